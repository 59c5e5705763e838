import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readIdx } from '#lib/data/idx.js';
import { mnist } from '#lib/data/mnist.js';
import { ChainruleError } from '#lib/graph/errors.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chainrule-idx-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** An IDX file: dtype code, sizes, and the bytes of the elements. */
function idx(code: number, sizes: number[], body: Uint8Array): Buffer {
  const head = Buffer.alloc(4 + 4 * sizes.length);
  head.set([0, 0, code, sizes.length]);
  for (const [axis, size] of sizes.entries()) head.writeUInt32BE(size, 4 + 4 * axis);
  return Buffer.concat([head, body]);
}

async function save(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

describe('readIdx', () => {
  it('reads bytes', async () => {
    const path = await save('u8', idx(0x08, [2, 3], Uint8Array.of(0, 1, 2, 3, 4, 255)));
    const content = await readIdx(path);
    expect(content).toEqual({ dtype: 'uint8', shape: [2, 3], data: Uint8Array.of(0, 1, 2, 3, 4, 255) });
    expect(content.data.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it('reads big-endian integers and floats', async () => {
    const ints = Buffer.alloc(8);
    ints.writeInt32BE(-2, 0);
    ints.writeInt32BE(2 ** 24 + 1, 4);
    expect((await readIdx(await save('i32', idx(0x0c, [2], ints)))).data).toEqual(
      Int32Array.of(-2, 2 ** 24 + 1),
    );
    const floats = Buffer.alloc(8);
    floats.writeFloatBE(0.1, 0);
    floats.writeFloatBE(Number.NEGATIVE_INFINITY, 4);
    const f32 = await readIdx(await save('f32', idx(0x0d, [2, 1], floats)));
    expect(f32).toEqual({
      dtype: 'float32',
      shape: [2, 1],
      data: Float32Array.of(0.1, Number.NEGATIVE_INFINITY),
    });
    const doubles = Buffer.alloc(8);
    doubles.writeDoubleBE(Math.PI);
    expect((await readIdx(await save('f64', idx(0x0e, [1], doubles)))).data).toEqual(
      Float64Array.of(Math.PI),
    );
  });

  it.each<[string, Uint8Array, string]>([
    ['an empty file', new Uint8Array(0), 'the file is cut short: its head takes 4 bytes, got 0'],
    [
      'a bad magic number',
      Uint8Array.of(1, 0, 8, 0),
      "an IDX file starts with 00 00, then 08, 0c, 0d or 0e, got '010008'",
    ],
    ['an unknown dtype', Uint8Array.of(0, 0, 7, 0), 'an IDX file starts with'],
    ['a compressed file', Uint8Array.of(0x1f, 0x8b, 8, 0), 'the file is compressed: gunzip it first'],
    ['a cut head', idx(8, [2, 2], new Uint8Array(4)).subarray(0, 9), 'its head takes 12 bytes, got 9'],
    ['a cut body', idx(8, [2, 2], new Uint8Array(3)), 'cut short: uint8 [2,2] takes 16 bytes, got 15'],
    ['trailing bytes', idx(8, [2], new Uint8Array(3)), 'trailing bytes: uint8 [2] takes 10 bytes, got 11'],
    [
      'a size beyond memory',
      idx(14, [2 ** 32 - 1, 2 ** 32 - 1, 9], new Uint8Array(3)),
      'the file is cut short',
    ],
  ])('refuses %s', async (_, bytes, message) => {
    const path = await save('bad', bytes);
    const error = await readIdx(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ChainruleError);
    expect(String(error)).toContain(`${path}: `);
    expect(String(error)).toContain(message);
  });
});

describe('mnist', () => {
  it('reads the images of the npm package', async () => {
    const { train, test } = await mnist();
    expect([train.length, test.length]).toEqual([60_000, 10_000]);
    expect(train.inputs).toMatchObject({ dtype: 'uint8', shape: [28, 28, 1] });
    expect(test.targets).toMatchObject({ dtype: 'int32', shape: [] });
    expect([...train.targets.data.subarray(0, 8)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3]);
    expect([...train.inputs.data.subarray(0, 784)].reduce((sum, ink) => sum + ink, 0)).toBe(27525);
  });

  it('reads four files of a folder', async () => {
    await saveFour(new Uint8Array(2), Uint8Array.of(3, 9));
    const { train } = await mnist({ dir: folder });
    expect(train.inputs).toMatchObject({ dtype: 'uint8', shape: [1, 1, 1] });
    expect(train.targets.data).toEqual(Int32Array.of(3, 9));
  });

  it('refuses labels that are out of range or too few', async () => {
    await saveFour(new Uint8Array(2), Uint8Array.of(3, 10));
    await expect(mnist({ dir: folder })).rejects.toThrow(
      'train-labels-idx1-ubyte: label 1 must lie in 0..9, got 10',
    );
    await saveFour(new Uint8Array(2), Uint8Array.of(3));
    await expect(mnist({ dir: folder })).rejects.toThrow('has 2 images, got 1 labels');
    await save('train-images-idx3-ubyte', idx(8, [2], new Uint8Array(2)));
    await expect(mnist({ dir: folder })).rejects.toThrow('need uint8 of rank 3, got uint8 [2]');
  });

  it('names a file that is missing', async () => {
    await expect(mnist({ dir: folder })).rejects.toThrow('train-images-idx3-ubyte');
  });

  async function saveFour(images: Uint8Array, labels: Uint8Array): Promise<void> {
    for (const part of ['train', 't10k']) {
      await save(`${part}-images-idx3-ubyte`, idx(8, [images.length, 1, 1], images));
      await save(`${part}-labels-idx1-ubyte`, idx(8, [labels.length], labels));
    }
  }
});
