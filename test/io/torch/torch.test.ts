import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { io } from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { FileTensor } from '#lib/io/file-dtypes.js';
import { withFile } from '#lib/io/random-access.js';
import { storedInTorch } from '#lib/io/torch/torch.js';
import { zipEntries } from '#lib/io/zip/entries.js';
import { readFixture } from '../../helpers/fixtures.js';
import { useFolder } from '../../helpers/folder.js';
import { readBoth } from '../both.js';
import { expectTensor, fileBytes, type RecordedValues } from '../recorded-files.js';
import { type Forged, forge } from '../zip/forge.js';
import { archiveOf, dict, floats, int, list, pickleOf, tensor, text, tuple } from './assemble.js';

type Named = Readonly<Record<string, RecordedValues>>;
interface Fixture {
  readonly tensors: Readonly<Record<string, { file: string; expected: Named }>>;
  readonly parameters: { file: string; expected: readonly RecordedValues[] };
  readonly nested: string;
  readonly checkpoint: { file: string; expected: Named; mean: RecordedValues };
  readonly plain: Readonly<Record<string, string>>;
  readonly unchecked: string;
}

const recorded = readFixture<Fixture>('torch_files');
const folder = useFolder();

async function onDisk(bytes: Uint8Array | string): Promise<string> {
  const path = join(folder(), 'x.pt');
  await writeFile(path, typeof bytes === 'string' ? fileBytes(bytes) : bytes);
  return path;
}

/** Checks the tensors of a state dict, read in both ways. */
async function expectStored(path: string, expected: Named, key?: string): Promise<void> {
  await withFile(path, async (opened) => {
    const { tensors } = await storedInTorch(opened, key);
    expect([...tensors.keys()]).toEqual(Object.keys(expected));
    for (const [name, stored] of tensors) {
      const values = expected[name] as RecordedValues;
      expect(stored.shape).toEqual(values.shape);
      expectTensor(await stored.read(), values);
      if (stored.dtype !== values.dtype) continue;
      // At an odd place, as no array of its own is.
      const target = new Uint8Array(fileBytes(values.data).length + 1).subarray(1);
      await stored.readInto?.(target);
      expect(Buffer.from(target).toString('base64'), name).toBe(values.data);
    }
  });
}

describe('readTorch', () => {
  it.each(Object.entries(recorded.tensors))(
    'reads the tensors of PyTorch: %s',
    async (_, { file, expected }) => {
      const path = await onDisk(file);
      const read = (await readBoth(path, io.readTorch)) as Record<string, FileTensor>;
      expect(Object.keys(read)).toEqual(Object.keys(expected));
      for (const [name, values] of Object.entries(expected)) expectTensor(read[name] as FileTensor, values);
      await expectStored(path, expected);
    },
  );

  it('reads parameters, and an optimizer beside a model', async () => {
    const { parameters, checkpoint } = recorded;
    const read = (await io.readTorch(await onDisk(parameters.file))) as FileTensor[];
    for (const [i, values] of parameters.expected.entries()) expectTensor(read[i] as FileTensor, values);
    const { epoch, optimizer } = (await io.readTorch(await onDisk(checkpoint.file))) as {
      epoch: number;
      optimizer: { state: Map<number, Record<string, FileTensor>>; param_groups: { lr: number }[] };
    };
    expect(epoch).toBe(3);
    expect(optimizer.param_groups[0]?.lr).toBe(0.5);
    expectTensor(optimizer.state.get(4)?.exp_avg as FileTensor, checkpoint.mean);
  });

  it.each(Object.entries(recorded.plain))('reads plain data of protocol %s', async (_, file) => {
    const read = (await readBoth(await onDisk(file), io.readTorch)) as Record<string, unknown>;
    const { proto, ordered, shared, 'numbers as keys': numbers, ...rest } = read;
    expect({ ...rest }).toEqual({
      none: null,
      truths: [true, false],
      integers: [0, -1, 255, 65535, -(2 ** 31), 2 ** 31, 2 ** 53 - 1, -(2 ** 53) + 1],
      'long integers': [2n ** 53n, -(2n ** 53n), 2n ** 63n, -(2n ** 70n), 10n ** 40n],
      floats: [0.5, -0, 1e300, Number.POSITIVE_INFINITY],
      text: ['', 'größe', '🙂', '__proto__'],
      tuple: [1, [], [2], [3, 4], [5, 6, 7], [8, 9, 10, 11]],
      bytes: [[], [97, 98, 255], [120, 121]].map((bytes) => Uint8Array.from(bytes)),
      sets: [new Set([1, 2]), new Set(['a']), new Set()],
      counted: { a: 2, b: 1 },
      default: [[], {}, new Set(), 0, 0, '', []].map((k) => ({ k })),
      dtype: 'torch.float16',
      device: ['cpu', 'cuda:1'],
      size: [2, 3],
    });
    expect(Object.keys(ordered as object)).toEqual(['b', 'a']);
    expect(new Map(Object.entries(proto as object))).toEqual(
      new Map([
        ['__proto__', 1],
        ['constructor', 2],
        ['0', 3],
      ]),
    );
    expect(Object.getPrototypeOf(proto)).toBe(null);
    expect(Object.hasOwn(Object.prototype, 'constructor')).toBe(true);
    expect([...(numbers as Map<unknown, unknown>)]).toEqual([
      [1, 'a'],
      [2.5, 'b'],
      [null, 'c'],
      [[1, 2], 'd'],
    ]);
    const [first, second] = shared as unknown[];
    expect(first).toBe(second);
  });

  it('reads a file without checksums', async () => {
    const { w } = (await readBoth(await onDisk(recorded.unchecked), io.readTorch)) as Record<
      string,
      FileTensor
    >;
    expect(w?.data).toEqual(Float32Array.of(1, 1));
  });

  it('reads a deflated file, and one without an order of bytes', async () => {
    const entries = [
      { name: 'x/data.pkl', data: pickleOf(tensor()), method: 8 },
      { name: 'x/data/0', data: new Uint8Array(floats.buffer), method: 8 },
    ];
    expect(await readBoth(await onDisk(forge(entries)), io.readTorch)).toEqual({
      dtype: 'float32',
      shape: [2, 3],
      data: floats,
    });
  });

  it('reads numbers of a big-endian machine', async () => {
    const { file, expected } = recorded.tensors.dtypes as Fixture['tensors'][string];
    // Each tensor has a storage of its own.
    const odd: Readonly<Record<string, number>> = { complex64: 4, special: 4, limits: 8, bool: 1 };
    const widths = Object.keys(expected).map(
      (name) => odd[name] ?? (name.startsWith('float8') ? 1 : Number(/\d+$/.exec(name)?.[0]) / 8),
    );
    const turned = await rewritten(await onDisk(file), (name, data) => {
      if (name === 'archive/byteorder') return Buffer.from('big');
      const key = /data\/(\d+)$/.exec(name)?.[1];
      return key === undefined ? data : swapped(data, widths[Number(key)] as number);
    });
    await expectStored(await onDisk(turned), expected);
  });

  it('reads a part of a big-endian storage', async () => {
    const part = tensor({ offset: int(1), size: tuple(int(2), int(2)), stride: tuple(int(1), int(2)) });
    const data = swapped(Buffer.from(floats.slice().buffer), 4);
    const path = await onDisk(archiveOf(pickleOf(part), { byteorder: 'big', 'data/0': data }));
    expect(((await io.readTorch(path)) as FileTensor).data).toEqual(Float32Array.of(1, 3, 2, 4));
  });

  it('gives tensors of the same elements, and values that contain themselves, as one object', async () => {
    const twice = list(
      [tensor(), 'q\x01'],
      'h\x01',
      tensor(),
      tensor({ offset: int(3), size: tuple(int(3)), stride: tuple(int(1)) }),
    );
    const read = (await io.readTorch(await onDisk(archiveOf(pickleOf(twice))))) as FileTensor[];
    expect(new Set(read).size).toBe(2);
    expect(read[3]?.data).toEqual(Float32Array.of(3, 4, 5));
    const circle = [']q\x00', 'h\x00a', dict([text('self'), 'h\x00']), 'a'];
    const [itself, { self }] = (await io.readTorch(await onDisk(archiveOf(pickleOf(circle))))) as [
      unknown,
      { self: unknown },
    ];
    expect(itself).toBe(self);
  });
});

/** Numbers of so many bytes with their bytes turned around. */
function swapped(data: Buffer, width: number): Buffer {
  for (let at = 0; at < data.length; at += width) data.subarray(at, at + width).reverse();
  return data;
}

/** An archive with other bytes in its entries. */
async function rewritten(path: string, change: (name: string, data: Buffer) => Buffer): Promise<Uint8Array> {
  const entries: Forged[] = [];
  await withFile(path, async (opened) => {
    for (const [name, source] of await zipEntries(opened)) {
      const data = Buffer.alloc(source.size);
      await source.readInto(data);
      entries.push({ name, data: change(name, data) });
    }
  });
  return forge(entries);
}

/** The shapes of the tensors of a state dict by name, in the order of the file. */
const shapesIn = async (file: string | Uint8Array, key?: string) =>
  await withFile(file, async (opened) =>
    [...(await storedInTorch(opened, key)).tensors].map(([name, { shape }]) => [name, ...shape]),
  );

describe('the state dict in a file', () => {
  it('is found in a checkpoint under its key', async () => {
    const { file, expected } = recorded.checkpoint;
    await expectStored(await onDisk(file), expected);
    await expectStored(await onDisk(file), expected, 'model_state_dict');
  });

  it('has the names of nested dicts joined by dots', async () => {
    expect(await readBoth(await onDisk(recorded.nested), shapesIn)).toEqual([
      ['encoder.w', 1],
      ['encoder.0.b', 2],
    ]);
  });

  it.each<[string, Uint8Array, string | undefined, string]>([
    ['no dict', pickleOf(list(tensor())), undefined, 'must be a dict'],
    [
      'no state dict',
      pickleOf(dict([text('epoch'), int(1)], [text('net'), dict()])),
      undefined,
      'holds no state dict, neither alone nor under the key state_dict, model_state_dict or model; its keys are epoch, net',
    ],
    ['no tensor', pickleOf(dict()), undefined, 'its keys are none'],
    [
      'a key in many levels',
      pickleOf(dict(['('.repeat(60_000) + 't'.repeat(60_000), int(1)])),
      undefined,
      'its keys are none',
    ],
    ['no such key', pickleOf(dict([text('w'), tensor()])), 'ema', 'nor under the key ema; its keys are w'],
    [
      'a number in it',
      pickleOf(dict([text('model'), dict([text('w'), int(1)])])),
      undefined,
      'model: w must be a tensor, got 1',
    ],
    [
      'two tensors of one name',
      pickleOf(dict([text('a.b'), tensor()], [text('a'), dict([text('b'), tensor()])])),
      undefined,
      'has two tensors of one name, got a.b',
    ],
    [
      'a key of another kind',
      pickleOf(dict(['N', tensor()])),
      undefined,
      'the names of tensors must be text or integers, got null',
    ],
    [
      'a long name',
      pickleOf(dict([text('x'.repeat(1001)), tensor()])),
      undefined,
      'the name of a tensor may have 1000 characters, got 1001',
    ],
  ])('is refused with %s', async (_, pickle, key, message) => {
    const path = await onDisk(archiveOf(pickle));
    const refused = readBoth(path, (file) => shapesIn(file, key));
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(`${path}: entry x/data.pkl: `);
  });
});
