import { expect } from 'vitest';
import type { FileTensor } from '#lib/io/file-dtypes.js';

/** A tensor as `scripts/fixtures/common.py` writes the values of a file. */
export interface RecordedValues {
  readonly dtype: FileTensor['dtype'];
  readonly shape: readonly number[];
  /** Base64 of little-endian elements. */
  readonly data: string;
}

/** The bytes of a recorded file. */
export const fileBytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

/** Checks dtype, shape, kind of array and every bit of the elements. */
export function expectTensor(read: FileTensor, expected: RecordedValues): void {
  const { dtype, shape, data } = read;
  expect({ dtype, shape: [...shape] }).toEqual({ dtype: expected.dtype, shape: expected.shape });
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  expect(bytes.toString('base64')).toBe(expected.data);
  expect(data.constructor).toBe(arrays[dtype] ?? Uint8Array);
}

const arrays: Partial<Record<FileTensor['dtype'], unknown>> = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
};
