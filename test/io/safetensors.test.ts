import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TensorData } from '#lib/graph/dtype.js';
import { ChainruleError } from '#lib/graph/errors.js';
import { encode, readSafetensors, readSafetensorsHeader, writeSafetensors } from '#lib/io/safetensors.js';
import { readBoth } from './both.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chainrule-safetensors-'));
});
afterEach(() => rm(folder, { recursive: true }));

const weights: Record<string, TensorData> = {
  'fc.bias': { dtype: 'bool', shape: [3], data: Uint8Array.of(0, 1, 1) },
  'fc.weight': { dtype: 'float32', shape: [2, 1], data: Float32Array.of(0.5, Number.NaN) },
  steps: { dtype: 'int32', shape: [], data: Int32Array.of(-7) },
  exact: { dtype: 'float64', shape: [1], data: Float64Array.of(Math.PI) },
  image: { dtype: 'uint8', shape: [1, 2], data: Uint8Array.of(0, 255) },
  none: { dtype: 'float32', shape: [0, 4], data: new Float32Array(0) },
};

/** A file with this header (text, or an object to print) and this many data bytes. */
function fileOf(header: unknown, dataBytes = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (begin: number, end: number, shape = [end - begin]) => ({
  dtype: 'U8',
  shape,
  data_offsets: [begin, end],
});

describe('round trip', () => {
  it('keeps names, dtypes, shapes, values and metadata', async () => {
    const { tensors, metadata } = await readSafetensors(encode(weights, { format: 'chainrule' }));
    expect({ ...tensors }).toEqual(weights);
    expect({ ...metadata }).toEqual({ format: 'chainrule' });
  });

  it('keeps any tensors through a file', async () => {
    const path = join(folder, 'any.safetensors');
    const floats = fc
      .float32Array()
      .map((data) => ({ dtype: 'float32', shape: [data.length], data }) as const);
    const bytes = fc.uint8Array().map((data) => ({ dtype: 'uint8', shape: [1, data.length], data }) as const);
    const named = fc.dictionary(
      fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__'),
      fc.oneof(floats, bytes),
    );
    await fc.assert(
      fc.asyncProperty(named, async (tensors) => {
        await writeSafetensors(path, tensors);
        const read = (await readBoth(path, readSafetensors)).tensors;
        expect(new Map(Object.entries(read))).toEqual(new Map(Object.entries(tensors)));
        expect(new Uint8Array(await readFile(path))).toEqual(encode(tensors));
      }),
      { numRuns: 50 },
    );
  });

  it('writes what the format describes', () => {
    const bytes = encode({ a: { dtype: 'int32', shape: [1], data: Int32Array.of(258) } });
    const json = '{"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}';
    expect(new TextDecoder().decode(bytes.subarray(8, 64))).toBe(json.padEnd(56));
    expect([...bytes.subarray(0, 8)]).toEqual([56, 0, 0, 0, 0, 0, 0, 0]);
    expect([...bytes.subarray(64)]).toEqual([2, 1, 0, 0]);
  });

  it('writes from and to shared memory, at any alignment', async () => {
    const shared = new Float32Array(new SharedArrayBuffer(16), 4, 2);
    shared.set([1, 2]);
    const bytes = encode({ x: { dtype: 'float32', shape: [2], data: shared } });
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    const { tensors } = await readSafetensors(shifted.subarray(1));
    expect(tensors.x?.data).toEqual(Float32Array.of(1, 2));
  });

  it('treats names of Object.prototype as names', async () => {
    const tensors = JSON.parse('{"__proto__":null,"constructor":null,"1":null}');
    for (const name of Object.keys(tensors)) {
      Object.defineProperty(tensors, name, { value: weights.steps, enumerable: true });
    }
    const read = (await readSafetensors(encode(tensors))).tensors;
    expect(Object.keys(read).sort()).toEqual(['1', '__proto__', 'constructor']);
    expect(Object.getPrototypeOf(read)).toBe(null);
    expect(Object.hasOwn(Object.prototype, 'data')).toBe(false);
  });

  it('reads the header alone', async () => {
    const path = join(folder, 'model.safetensors');
    await writeSafetensors(path, weights, { epoch: '3' });
    const { tensors, metadata, dataStart } = await readBoth(path, readSafetensorsHeader);
    expect(tensors.map(({ name }) => name)).toEqual([
      'exact',
      'fc.weight',
      'steps',
      'none',
      'fc.bias',
      'image',
    ]);
    expect(tensors[1]).toEqual({ name: 'fc.weight', dtype: 'float32', shape: [2, 1], begin: 8, end: 16 });
    expect(metadata.epoch).toBe('3');
    expect(dataStart % 8).toBe(0);
  });
});

describe('writing', () => {
  it.each([
    [
      'too few values',
      { dtype: 'float32', shape: [2], data: new Float32Array(1) },
      'float32 [2] takes 8 bytes, got 4',
    ],
    [
      'another dtype',
      { dtype: 'int32', shape: [1], data: new Float32Array(1) },
      'dtype int32 needs int32 data',
    ],
    [
      'a bad size',
      { dtype: 'uint8', shape: [-1], data: new Uint8Array(1) },
      'must be a non-negative integer, got -1',
    ],
  ] as const)('refuses %s', (_, tensor, message) => {
    expect(() => encode({ w: tensor })).toThrow(
      `safetensors: tensor w: ${'a bad size' === _ ? 'a size of the shape ' : ''}${message}`,
    );
  });

  it('refuses the reserved name and metadata that is no text', () => {
    const one = { dtype: 'uint8', shape: [1], data: new Uint8Array(1) } as const;
    expect(() => encode({ __metadata__: one })).toThrow('a tensor cannot be called __metadata__');
    expect(() => encode({}, JSON.parse('{"epoch":3}'))).toThrow('metadata epoch must be a string, got 3');
  });

  it('leaves the old file and no temporary one when it fails', async () => {
    const path = join(folder, 'model.safetensors');
    await writeSafetensors(path, weights);
    const before = await readFile(path);
    // A folder in the way makes the rename fail, after all bytes are written.
    await mkdir(join(folder, 'taken'));
    await expect(writeSafetensors(join(folder, 'taken'), weights)).rejects.toThrow();
    const detached = new Uint8Array(4);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    const bad = { dtype: 'uint8', shape: [4], data: detached } as const;
    await expect(writeSafetensors(path, { bad })).rejects.toThrow('takes 4 bytes, got 0');
    expect(await readFile(path)).toEqual(before);
    expect((await readdir(folder)).sort()).toEqual(['model.safetensors', 'taken']);
  });

  it('replaces a file whole', async () => {
    const path = join(folder, 'model.safetensors');
    await writeSafetensors(path, { big: { dtype: 'uint8', shape: [1000], data: new Uint8Array(1000) } });
    await writeSafetensors(path, { small: { dtype: 'uint8', shape: [1], data: Uint8Array.of(9) } });
    expect(Object.keys((await readSafetensors(path)).tensors)).toEqual(['small']);
    expect(await readdir(folder)).toEqual(['model.safetensors']);
  });
});

describe('hostile files', () => {
  const hugeHeader = new Uint8Array(8).fill(255);
  const longHeader = fileOf('{}');
  longHeader[0] = 3;
  const unsafe = { dtype: 'F64', shape: [2 ** 40, 2 ** 40], data_offsets: [0, 8] };

  it.each<[string, Uint8Array, string]>([
    ['empty', new Uint8Array(0), 'a safetensors file has at least 8 bytes, got 0'],
    ['of 7 bytes', new Uint8Array(7), 'a safetensors file has at least 8 bytes, got 7'],
    ['with a huge header', hugeHeader, "header may have 100000000 bytes, got '18446744073709551615'"],
    ['with a header past the end', longHeader, 'header has 3 bytes but only 2 follow'],
    ['with no JSON', fileOf('{"a":'), 'header is not valid JSON'],
    ['with no header', fileOf(''), 'header is not valid JSON'],
    ['with bad UTF-8', fileOf('{"é":1}').map((byte) => (byte === 0xc3 ? 0xff : byte)), 'is not valid JSON'],
    ['with a list', fileOf('[]'), 'header must be a JSON object, got []'],
    ['with null', fileOf('null'), 'header must be a JSON object, got null'],
    [
      'with no entry',
      fileOf({ w: 3 }),
      'tensor w: must be an object of dtype, shape and data_offsets, got 3',
    ],
    [
      'of an unknown dtype',
      fileOf({ w: { ...entry(0, 2), dtype: 'F3' } }, 2),
      'tensor w: dtype must be one of F32, F64, I32, U8, BOOL, I8, I16, U16, U32, I64, U64, F16, BF16, F8_E4M3, F8_E5M2, F8_E8M0, F6_E2M3, F6_E3M2, F4, C64, got F3',
    ],
    [
      'with a dtype of Object',
      fileOf({ w: { ...entry(0, 2), dtype: 'toString' } }, 2),
      'dtype must be one of',
    ],
    [
      'with no shape',
      fileOf({ w: { dtype: 'U8', data_offsets: [0, 0] } }),
      'shape must be non-negative integers, got undefined',
    ],
    [
      'with a negative size',
      fileOf({ w: entry(0, 2, [-1, -2]) }, 2),
      'shape must be non-negative integers, got [-1,-2]',
    ],
    [
      'with half a size',
      fileOf({ w: entry(0, 2, [0.5, 4]) }, 2),
      'shape must be non-negative integers, got [0.5,4]',
    ],
    [
      'with too large a size',
      fileOf({ w: entry(0, 2, [2 ** 53]) }, 2),
      'shape must be non-negative integers',
    ],
    [
      'with a product past 2^53',
      fileOf({ w: unsafe }, 8),
      'tensor w: shape is too large, got [1099511627776,1099511627776]',
    ],
    [
      'with one offset',
      fileOf({ w: { ...entry(0, 2), data_offsets: [2] } }, 2),
      'data_offsets must be two non-negative integers, got [2]',
    ],
    [
      'with a negative offset',
      fileOf({ w: entry(-2, 0) }, 2),
      'data_offsets must be two non-negative integers, got [-2,0]',
    ],
    ['with reversed offsets', fileOf({ w: entry(2, 0, [2]) }, 2), 'data_offsets are reversed, got [2,0]'],
    [
      'with data past the end',
      fileOf({ w: entry(0, 3) }, 2),
      'tensor w: data_offsets pass the end of 2 data bytes, got [0,3]',
    ],
    ['with too few bytes', fileOf({ w: entry(0, 2, [3]) }, 2), 'tensor w: uint8 [3] takes 3 bytes, got 2'],
    [
      'with overlaps',
      fileOf({ a: entry(0, 3), b: entry(2, 4) }, 4),
      'tensor b: overlaps the tensor before it',
    ],
    [
      'with one region twice',
      fileOf({ a: entry(0, 3), b: entry(0, 3) }, 3),
      'tensor b: overlaps the tensor before it',
    ],
    ['with a hole', fileOf({ a: entry(0, 1), b: entry(2, 4) }, 4), 'tensor b: 1 unused bytes before it'],
    ['with a hole at the front', fileOf({ a: entry(1, 2) }, 2), 'tensor a: 1 unused bytes before it'],
    ['with bytes to spare', fileOf({ a: entry(0, 1) }, 4), '3 unused bytes after the last tensor'],
    [
      'with a name twice',
      fileOf(`{"a":${JSON.stringify(entry(0, 1))},"\\u0061":${JSON.stringify(entry(0, 1))}}`, 1),
      'tensor a: stands twice in the header',
    ],
    [
      'with numbers as metadata',
      fileOf({ __metadata__: { epoch: 3 } }),
      '__metadata__.epoch must be a string, got 3',
    ],
    [
      'with a list as metadata',
      fileOf({ __metadata__: [] }),
      '__metadata__ must be an object of strings, got []',
    ],
    [
      'with two in BOOL',
      fileOf({ w: { ...entry(0, 2), dtype: 'BOOL' } }, 2).map((byte, i, all) =>
        i === all.length - 1 ? 2 : byte,
      ),
      'tensor w: bytes of bool must be 0 or 1, got 2',
    ],
    [
      'nested deeply',
      fileOf(`{"w":{"dtype":"U8","data_offsets":[0,0],"shape":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`),
      'shape must be non-negative integers',
    ],
  ])('refuses a file %s', async (_, bytes, message) => {
    const path = join(folder, 'hostile.safetensors');
    await writeFile(path, bytes);
    const error = await readBoth(path, readSafetensors).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ChainruleError);
    expect(String(error)).toContain(`ChainruleError: ${path}: `);
    expect(String(error)).toContain(message);
  });

  it('refuses a good file cut at any byte', async () => {
    const bytes = encode(weights);
    for (let length = 0; length < bytes.length; length++) {
      await expect(readSafetensors(bytes.slice(0, length))).rejects.toThrow(ChainruleError);
    }
  });

  it('fails with a ChainruleError, or not at all, whatever byte is changed', async () => {
    const good = encode(weights, { format: 'chainrule' });
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = good.slice();
        for (const [at, value] of changes) bytes[at] = value;
        try {
          await readSafetensors(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ChainruleError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('says which file is missing', async () => {
    const path = join(folder, 'missing.safetensors');
    await expect(readSafetensors(path)).rejects.toThrow(path);
  });
});
