import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { data, io, nn, optim, Trainer } from '#lib/index.js';
import { addon } from '#lib/runtime/addon.js';
import { boundMemory } from '../helpers/bounded-memory.js';
import { hashIntegers, hashUniform } from '../helpers/random-graph/random.js';

const folder = mkdtempSync(join(tmpdir(), 'chainrule-mapped-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function write(...parts: (NodeJS.TypedArray | string)[]): string {
  const path = join(folder, `file-${files++}`);
  const bytes = parts.map((part) =>
    typeof part === 'string' ? Buffer.from(part) : Buffer.from(part.buffer, part.byteOffset, part.byteLength),
  );
  writeFileSync(path, Buffer.concat(bytes));
  return path;
}

const COUNT = 20;
const pixels = Uint8Array.from(hashIntegers(COUNT * 48, 1, 256));
const numbers = Float64Array.from(hashUniform(COUNT * 3, 2));
const labels = Int32Array.from(hashIntegers(COUNT, 3, 5));
const options = { dtype: 'uint8', shape: [4, 4, 3] } as const;
const inMemory = data.fromArrays(pixels, labels, { inputs: { shape: [4, 4, 3] } });
const all = (set: data.Dataset) => [...data.batches(set, { batchSize: 6, shuffle: true, seed: 5 })];

describe('a mapped file', () => {
  it('is a side of a data set like any other', () => {
    const set = data.fromArrays(
      data.mapFile(write(pixels), options),
      data.mapFile(write(labels), { dtype: 'int32', shape: [] }),
    );
    expect(set.length).toBe(COUNT);
    expect(set.loaded.inputs).toEqual({ dtype: 'uint8', shape: [4, 4, 3] });
    expect(all(set)).toEqual(all(inMemory));
    expect(all(set.take(7))).toEqual(all(inMemory.take(7)));
    expect(all(set.take(99))).toEqual(all(inMemory));
    expect(set.subset([4, 4, 19]).inputs).toEqual(inMemory.subset([4, 4, 19]).inputs);
    expect(set.split(0.5, 1)[0].targets).toEqual(inMemory.split(0.5, 1)[0].targets);
    const transforms = [data.crop({ padding: 2 }), data.noise({ std: 1 }), data.mixup({ classes: 5 })];
    expect(all(set.transform(transforms))).toEqual(all(inMemory.transform(transforms)));
  });

  it('may begin after other bytes and end before them', () => {
    const path = write('12345678', numbers, 'rest');
    const field = data.mapFile(path, { dtype: 'float64', shape: [3], offset: 8 + 24, length: COUNT - 1 });
    const set = new data.Dataset(
      field,
      data.mapFile(write(labels), { dtype: 'int32', shape: [], offset: 4 }),
    );
    const [batch] = [...data.batches(set, { batchSize: COUNT })];
    expect(batch?.inputs.data).toEqual(numbers.subarray(3));
    expect(batch?.targets.data).toEqual(labels.subarray(1));
  });

  it('may be larger than 4 GiB', () => {
    // A file with a hole takes no room on the disk.
    const path = join(folder, 'large');
    const file = openSync(path, 'w');
    const row = 2 ** 20;
    const rows = 5000;
    writeSync(file, Uint8Array.of(7, 8, 9), 0, 3, 4999 * row);
    closeSync(file);
    truncateSync(path, rows * row);
    const field = data.mapFile(path, { dtype: 'uint8', shape: [row] });
    const set = data.fromArrays(field, new Int32Array(rows)).subset([4999, 0]);
    expect([...set.inputs.data.subarray(0, 4)]).toEqual([7, 8, 9, 0]);
    expect(set.inputs.data.subarray(4).every((value) => value === 0)).toBe(true);
  });

  it('is trained on with the same bits as from memory, by workers that map it themselves', async () => {
    const mapped = data.fromArrays(
      data.mapFile(write(pixels), options),
      data.mapFile(write(labels), { dtype: 'int32', shape: [] }),
    );
    const losses = async (set: data.Dataset) => {
      const model = new nn.Sequential(new nn.Flatten(), new nn.Linear(48, 5));
      const trainer = new Trainer(model, {
        loss: nn.crossEntropy,
        optimizer: optim.sgd({ lr: 1e-3 }),
        workers: 2,
        shards: 2,
      });
      const results = [];
      for await (const { stepLosses, validation } of trainer.fit(set, {
        epochs: 2,
        batchSize: 8,
        validation: set,
        health: true,
      }))
        results.push({ stepLosses, validation });
      return results;
    };
    expect(await losses(mapped)).toEqual(await losses(inMemory));
    const wrong = data.fromArrays(
      data.mapFile(write(pixels), options),
      data.mapFile(write(labels.map((label) => label + 3)), { dtype: 'int32', shape: [] }),
    );
    await expect(losses(wrong)).rejects.toThrow('must be from 0 to 4');
  });

  it('is read from IDX and safetensors files', async () => {
    const head = Uint8Array.of(0, 0, 8, 4, 0, 0, 0, COUNT, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 3);
    const images = await data.mapIdx(write(head, pixels));
    expect(images).toMatchObject({ dtype: 'uint8', shape: [4, 4, 3], mapped: { offset: 20, length: COUNT } });
    expect(all(data.fromArrays(images, labels))).toEqual(all(inMemory));
    const path = join(folder, 'tensors');
    await io.writeSafetensors(path, {
      x: { dtype: 'uint8', shape: [COUNT, 4, 4, 3], data: pixels },
      y: { dtype: 'int32', shape: [COUNT], data: labels },
    });
    expect(all(await data.mapSafetensors(path, { inputs: 'x', targets: 'y' }))).toEqual(all(inMemory));
    await expect(data.mapSafetensors(path, { inputs: 'x', targets: 'z' })).rejects.toThrow(
      'has no tensor z; its tensors are y, x',
    );
    const wide = write(Uint8Array.of(0, 0, 13, 1, 0, 0, 0, 1), new Float32Array(1));
    await expect(data.mapIdx(wide)).rejects.toThrow('only uint8 can be mapped');
    const short = write(head, pixels.subarray(1));
    await expect(data.mapIdx(short)).rejects.toThrow(`${short}: the file is cut short`);
  });

  it('is refused where only memory will do, and after it was closed', () => {
    const field = data.mapFile(write(pixels), options);
    expect(() => field.data).toThrow('data: the samples are not in memory');
    const set = data.fromArrays(field, labels);
    field.close();
    field.close();
    expect(() => all(set)).toThrow('source must be open, got');
  });

  const path = write(numbers);
  it.each<[string, () => unknown, string]>([
    ['a missing file', () => data.mapFile('/no/such/file', options), '/no/such/file'],
    [
      'a missing file of a given length',
      () => data.mapFile('/no/such/file', { ...options, length: 1 }),
      '/no/such/file: cannot be opened: No such file or directory',
    ],
    [
      'a folder',
      () => data.mapFile(folder, { ...options, length: 1 }),
      `${folder}: must be a regular file to be mapped`,
    ],
    [
      'half a sample',
      () => data.mapFile(path, { dtype: 'float64', shape: [7] }),
      `${path}: must hold whole samples of 56 bytes from byte 0 on, got 480`,
    ],
    [
      'an offset past the end',
      () => data.mapFile(path, { dtype: 'float64', shape: [1], offset: 480 }),
      'must hold whole samples of 8 bytes from byte 480 on, got 0',
    ],
    [
      'more samples than there are',
      () => data.mapFile(path, { dtype: 'float64', shape: [3], length: 21 }),
      `${path}: the file is cut short: 504 bytes are needed from byte 0 on, but it has 480`,
    ],
    [
      'a crooked offset',
      () => data.mapFile(path, { dtype: 'float64', shape: [], offset: 4, length: 1 }),
      `${path}: float64 must start at a multiple of 8 bytes to be mapped, got 4`,
    ],
    [
      'an unknown dtype',
      () => Reflect.apply(data.mapFile, undefined, [path, { dtype: 'int16', shape: [] }]),
      'mapFile: dtype must be one of',
    ],
    [
      'no shape',
      () => Reflect.apply(data.mapFile, undefined, [path, { dtype: 'int32' }]),
      'mapFile: shape must be an array of positive integers, got undefined',
    ],
    [
      'another shape',
      () =>
        data.fromArrays(data.mapFile(path, { dtype: 'float64', shape: [3] }), labels, {
          inputs: { shape: [2] },
        }),
      'fromArrays: a file of inputs has its shape already, [3]',
    ],
    [
      'another dtype',
      () =>
        data.fromArrays(data.mapFile(path, { dtype: 'float64', shape: [3] }), labels, {
          inputs: { dtype: 'float32' },
        }),
      'fromArrays: inputs hold float64',
    ],
    [
      'rows past the end',
      () =>
        addon().gatherRows(
          new Float64Array(1),
          addon().mapFile(path, 0, 2, 'float64', ''),
          Int32Array.of(2),
          0,
          1,
          1,
        ),
      'gatherRows: index 2 at position 0 is outside 0..1',
    ],
    [
      'another element type',
      () =>
        addon().gatherRows(
          new Float32Array(1),
          addon().mapFile(path, 0, 2, 'float64', ''),
          Int32Array.of(0),
          0,
          1,
          1,
        ),
      'gatherRows: source must be Float32Array',
    ],
    [
      'advice on what is no file',
      () => Reflect.apply(addon().adviseRows, undefined, [5, Int32Array.of(2), 0, 1, 1]),
      'adviseRows: source must be a typed array or made by mapFile',
    ],
    [
      'a path that is no text',
      () => Reflect.apply(addon().mapFile, undefined, [5, 0, 1, 'uint8', '']),
      'mapFile: path must be a string, got 5',
    ],
    [
      'an odd offset in the addon',
      () => addon().mapFile(path, 1, 1, 'int32', ''),
      'mapFile: offset must be a multiple of 4, got 1',
    ],
  ])('refuses %s', (_, act, message) => {
    expect(act).toThrow(message);
  });
});

describe('a file of twice the memory', () => {
  const MEGABYTE = 2 ** 20;
  const limit = 192 * MEGABYTE;
  const rows = (2 * limit) / 4096;
  // A sanitizer's shadow memory alone exceeds the limit.
  const sanitized = process.env.LD_PRELOAD?.includes('asan') ? 'sanitizer loaded' : undefined;
  const memory = sanitized ?? boundMemory(limit);
  const reason = typeof memory === 'string' ? ` (skipped: ${sanitized ?? `no cgroup, ${memory}`})` : '';

  it.skipIf(typeof memory === 'string')(`is trained on, and does not count as used${reason}`, async () => {
    if (typeof memory === 'string') return;
    const path = join(folder, 'twice');
    const script = join(import.meta.dirname, '../helpers/programs/train-mapped.mjs');
    const child = (mode: string) =>
      promisify(execFile)(process.execPath, [script, memory.join, path, String(rows), mode]);
    try {
      await child('write');
      // The proof that the limit is one: the system ends a process that reads the file into memory.
      await expect(child('read')).rejects.toMatchObject({ signal: 'SIGKILL' });
      const { stdout } = await child('train');
      const squares = Array.from({ length: rows }, (_, i) => (i % 251) ** 2);
      const mean = squares.reduce((a, b) => a + b, 0) / rows;
      const { loss, predicted, half, refused } = JSON.parse(stdout);
      expect(loss / mean).toBeCloseTo(1, 5);
      expect(predicted).toEqual([1, 1]);
      expect(half).toBeGreaterThan(250);
      expect(refused).toMatch(
        /compile: memory must be at most 201326592 bytes \(201 MB\): cgroup \S+ grants/,
      );
    } finally {
      memory.remove();
    }
  });
});
