import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { io } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { ChainruleError } from '#lib/graph/errors.js';
import type { FileTensor } from '#lib/io/file-dtypes.js';
import { storedInNpy } from '#lib/io/numpy/npy.js';
import { storedInNpz } from '#lib/io/numpy/npz.js';
import { withFile } from '#lib/io/random-access.js';
import { readFixture } from '../../helpers/fixtures.js';
import { useFolder } from '../../helpers/folder.js';
import { readBoth } from '../both.js';
import { expectTensor, fileBytes, type RecordedValues } from '../recorded-files.js';
import { forge } from '../zip/forge.js';

interface Fixture {
  readonly read: Readonly<Record<string, { file: string; expected: RecordedValues }>>;
  readonly archives: Readonly<Record<string, { file: string; expected: Record<string, RecordedValues> }>>;
  readonly refused: Readonly<Record<string, string>>;
}

const recorded = readFixture<Fixture>('models_and_arrays/numpy_files');
const folder = useFolder();

async function onDisk(bytes: Uint8Array | string): Promise<string> {
  const path = join(folder(), 'x');
  await writeFile(path, typeof bytes === 'string' ? fileBytes(bytes) : bytes);
  return path;
}

/** An .npy file of version 1.0 with this text as its header. */
function withHeader(text: string, dataBytes = 0, version = 1): Uint8Array {
  const header = Buffer.from(text);
  const prefix = Buffer.from('\x93NUMPY\x01\0', 'latin1');
  prefix[6] = version;
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  length.writeUIntLE(header.length, 0, length.length);
  return Buffer.concat([prefix, length, header, Buffer.alloc(dataBytes)]);
}

const dict = (descr: string, shape = '(1,)', order = 'False') =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`;

describe('readNpy', () => {
  it.each(Object.entries(recorded.read))('reads NumPy’s %s', async (_, { file, expected }) => {
    const path = await onDisk(file);
    expectTensor(await readBoth(path, io.readNpy), expected);
    await withFile(path, async (opened) => {
      const [[name, stored] = []] = (await storedInNpy(opened)).tensors;
      expect(name).toBe('arr_0');
      expectTensor((await stored?.read()) as FileTensor, expected);
      if (stored?.dtype !== expected.dtype) return;
      // At an odd place, as no array of its own is.
      const target = new Uint8Array(fileBytes(expected.data).length + 1).subarray(1);
      await stored.readInto?.(target);
      expect(Buffer.from(target).toString('base64')).toBe(expected.data);
    });
  });

  it.each<[string, Uint8Array, unknown]>([
    [
      'other spaces and quotes',
      withHeader('{"shape":( 1 ,\t),"fortran_order":False,"descr":"<u2"}\n', 2),
      [1],
    ],
    ['the long integers of Python 2', withHeader(dict("'|u1'", '(2L, 1L)'), 2), [2, 1]],
    ['no byte order, as of one byte', withHeader(dict("'u1'"), 1), [1]],
  ])('takes %s', async (_, bytes, shape) => {
    expect((await io.readNpy(await onDisk(bytes))).shape).toEqual(shape);
  });
});

describe('writeNpy', () => {
  const same = Object.entries(recorded.read).filter(
    ([name, { expected }]) => !/^>|Fortran|version|f2/.test(name) && expected.shape.length < 65,
  );

  it.each(same)('writes the bytes that NumPy does: %s', async (_, { file }) => {
    const tensor = await io.readNpy(await onDisk(file));
    const path = join(folder(), 'made', 'x.npy');
    await io.writeNpy(path, tensor);
    expect((await readFile(path)).toString('base64')).toBe(file);
  });

  it('proves something', () => expect(same.length).toBeGreaterThan(20));

  const one = new Uint8Array(1);
  it.each<[string, unknown, string]>([
    [
      'a dtype of its own',
      { dtype: 'float8_e8m0fnu', shape: [1], data: one },
      'NumPy has no dtype float8_e8m0fnu',
    ],
    ['too few elements', { dtype: 'uint8', shape: [2], data: one }, 'uint8 [2] takes 2 bytes, got 1'],
    ['other data', { dtype: 'int64', shape: [1], data: one }, 'dtype int64 needs int64 data'],
    [
      'a negative size',
      { dtype: 'uint8', shape: [-1], data: one },
      'a size of the shape must be a non-negative integer',
    ],
    ['65 axes', { dtype: 'uint8', shape: Array(65).fill(1), data: one }, 'NumPy has at most 64 axes, got 65'],
    ['no tensor', [1, 2], 'tensor must be { dtype, shape, data }'],
  ])('refuses %s', async (_, tensor, message) => {
    const path = join(folder(), 'x');
    await expect(io.writeNpy(path, tensor as FileTensor)).rejects.toThrow(`writeNpy: ${message}`);
    await expect(readFile(path)).rejects.toThrow('ENOENT');
  });
});

describe('readNpz', () => {
  it.each(Object.entries(recorded.archives))('reads NumPy’s %s', async (_, { file, expected }) => {
    const arrays = await readBoth(await onDisk(file), io.readNpz);
    for (const [name, values] of Object.entries(expected)) expectTensor(arrays[name] as FileTensor, values);
    const { zeros, ...rest } = arrays;
    expect(Object.keys(rest).sort()).toEqual(Object.keys(expected).sort());
    if (zeros) expect(zeros.data).toEqual(new Float32Array(100_000));
  });

  it('reads one array of several', async () => {
    const { file, expected } = recorded.archives.savez_compressed as Fixture['archives'][string];
    const one = await withFile(await onDisk(file), async (opened) =>
      (await storedInNpz(opened)).tensors.get('a/b')?.read(),
    );
    expectTensor(one as FileTensor, expected['a/b'] as RecordedValues);
  });

  it.each<[string, Uint8Array, string]>([
    [
      'other files',
      forge([{ name: 'a.txt', data: 'a' }]),
      'entry a.txt: an .npz archive has .npy entries alone',
    ],
    ['no array', forge([{ name: 'a.npy', data: 'a' }]), 'entry a.npy: is not an .npy file'],
    ['an array', fileBytes(recorded.read['<f4']?.file ?? ''), 'is not a zip archive'],
    [
      'a header that claims more than the entry has',
      forge([{ name: 'a.npy', data: withHeader(dict("'<f8'", '(1000000000,)'), 8), method: 8 }]),
      'entry a.npy: float64 [1000000000] takes 8000000000 bytes after the header, got 8',
    ],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(readBoth(await onDisk(bytes), io.readNpz)).rejects.toThrow(message);
  });
});

describe('writeNpz', () => {
  const w: FileTensor = { dtype: 'float32', shape: [2], data: Float32Array.of(1, Number.NaN) };

  it('writes what readNpz reads, under any name', async () => {
    const path = join(folder(), 'made', 'x.npz');
    const names = ['a', 'layer/0.weight', '__proto__', 'größe', '', '\n', 'a.npy', 'constructor'];
    const tensors = Object.create(null);
    for (const [i, name] of names.entries())
      tensors[name] = { dtype: 'int64', shape: [1], data: BigInt64Array.of(BigInt(i)) };
    await io.writeNpz(path, tensors);
    const read = await io.readNpz(path);
    expect(Object.keys(read)).toEqual(names);
    expect(Object.getPrototypeOf(read)).toBe(null);
    expect(names.map((name) => read[name])).toEqual(names.map((name) => tensors[name]));
    await io.writeNpz(path, {});
    expect(Object.keys(await io.readNpz(path))).toEqual([]);
  });

  it('leaves the old file as it is when it refuses an array or a name', async () => {
    const path = join(folder(), 'x.npz');
    await io.writeNpz(path, { w });
    const before = await readFile(path);
    await expect(io.writeNpz(path, { w, '../w': w })).rejects.toThrow('writeNpz: a name in a zip archive');
    await expect(io.writeNpz(path, { w, v: { ...w, shape: [3] } })).rejects.toThrow(
      'writeNpz: tensor v: float32 [3] takes 12 bytes, got 8',
    );
    expect(await readFile(path)).toEqual(before);
  });
});

describe('hostile arrays', () => {
  const huge = withHeader('{}', 0, 2);
  huge.set([255, 255, 255, 255], 8);
  const objects = 'object arrays hold pickles, which may run code, and are not read';

  it.each<[string, Uint8Array, string]>([
    ...Object.entries(recorded.refused).map(([name, file]): [string, Uint8Array, string] => [
      `of ${name}`,
      fileBytes(file),
      name === 'objects' ? objects : 'x: ',
    ]),
    ['that is empty', new Uint8Array(0), 'is not an .npy file, which begins with'],
    ['of nine bytes', withHeader('').slice(0, 9), 'is not an .npy file'],
    [
      'of version 4.0',
      withHeader(dict("'<f4'"), 4, 4),
      "the version of the .npy format must be 1.0, 2.0 or 3.0, got '4.0'",
    ],
    ['with a huge header', huge, 'the header may have 1048576 bytes, got 4294967295'],
    ['with a header past the end', withHeader(dict("'<f4'")).slice(0, 40), 'the header ends at byte'],
    ['with no dict', withHeader('3'), "the header must be a dict of 'descr', 'fortran_order' and 'shape'"],
    [
      'with code',
      withHeader("__import__('os').system('true')"),
      'the header must be a string, an integer, True',
    ],
    ['with a call', withHeader("{'descr': str('<f4')}"), 'the header must be a string, an integer, True'],
    ['with a sum', withHeader(dict("'<f4'", '(1+1,)')), "the header must have ',' or ')' at character"],
    ['with an escape', withHeader(dict("'\\x3cf4'")), 'the header must be a string'],
    ['with a key twice', withHeader("{'shape': (), 'shape': ()}"), 'must have the key shape once'],
    ['with a number as key', withHeader('{1: 2}'), 'must have strings as keys'],
    ['with one key', withHeader("{'shape': ()}"), 'the header must be a dict of'],
    [
      'with another key',
      withHeader("{'descr': '<f4', 'fortran_order': False, 'shap': ()}"),
      'shape must be a tuple',
    ],
    ['with text behind the dict', withHeader(`${dict("'<f4'")} 1`, 4), 'the header must end at character'],
    ['nested deeply', withHeader('['.repeat(60_000)), 'must not be nested in more than 32 levels'],
    ['with endless tuples', withHeader(`(${'(),'.repeat(20_000)}`), 'the header must be a string'],
    ['with half a size', withHeader(dict("'<f4'", '(1.5,)')), 'the header must be a string, an integer'],
    [
      'with a negative size',
      withHeader(dict("'<f4'", '(-1,)')),
      'the shape must be a tuple of non-negative integers, got [-1]',
    ],
    ['with a size that is no tuple', withHeader(dict("'<f4'", '(1)'), 4), 'the shape must be a tuple'],
    ['with a huge size', withHeader(dict("'<f4'", '(99999999999999999999,)')), 'the shape must be a tuple'],
    ['with a product past 2^53', withHeader(dict("'<f4'", '(4294967296, 4294967296)')), 'shape is too large'],
    [
      'with too many axes',
      withHeader(dict("'<f4'", `(${'1,'.repeat(65)})`), 4),
      'an array has at most 64 axes, got 65',
    ],
    [
      'with another order',
      withHeader(dict("'<f4'", '(1,)', '0'), 4),
      'fortran_order must be True or False, got 0',
    ],
    [
      'with too few bytes',
      withHeader(dict("'<f4'", '(2,)'), 4),
      'float32 [2] takes 8 bytes after the header, got 4',
    ],
    [
      'with too many bytes',
      withHeader(dict("'<f4'"), 8),
      'float32 [1] takes 4 bytes after the header, got 8',
    ],
    [
      'with two as a boolean',
      withHeader(dict("'|b1'"), 1).map((b, i, all) => (i < all.length - 1 ? b : 2)),
      'bool must be 0 or 1, got 2',
    ],
    ['of no dtype', withHeader(dict("'<f3'"), 3), 'the dtype must be one of b1, i1, i2'],
    ['of a dtype of Object', withHeader(dict("'constructor'"), 3), 'the dtype must be one of b1, i1, i2'],
    ['without a byte order', withHeader(dict("'|f4'"), 4), 'the dtype must be one of b1, i1, i2'],
    ['of a list', withHeader(dict("[('a', '<f4')]"), 4), 'structured arrays are not read'],
    [
      'with bad UTF-8',
      withHeader(dict("'<f4'"), 4, 3).map((b) => (b === 0x64 ? 0xff : b)),
      'the header of version 3.0 must be UTF-8',
    ],
  ])('refuses one %s', async (_, bytes, message) => {
    const path = await onDisk(bytes);
    const error = await readBoth(path, io.readNpy).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ChainruleError);
    expect(String(error)).toContain(`ChainruleError: ${path}: `);
    expect(String(error)).toContain(message);
  });
});
