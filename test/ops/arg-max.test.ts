import { argMax, argMin, compile, type DType, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { hashUniform } from '../helpers/random-graph/random.js';

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint8: Uint8Array,
} as const;
type Dtype = keyof typeof ARRAYS;

/** The first of the largest, or least, values; a NaN counts as either. */
function firstOf(values: readonly number[], least: boolean): number {
  const nan = values.findIndex(Number.isNaN);
  if (nan >= 0) return nan;
  return values.indexOf(least ? Math.min(...values) : Math.max(...values));
}

/** Few different values, so that many are equal, and here and there a value that is not finite. */
function valuesOf(dtype: Dtype, count: number, from: number): number[] {
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const wild = hashUniform(count, from + 1, 0, 1);
  return hashUniform(count, from, 0, 9).map((value, i) => {
    const at = Math.floor((wild[i] as number) * 600);
    return dtype.startsWith('float') && at < special.length ? (special[at] as number) : Math.floor(value);
  });
}

async function expectFirst(dtype: Dtype, length: number, inner: number): Promise<void> {
  const outer = 3;
  const data = valuesOf(dtype, outer * length * inner, length);
  const x = tensor(ARRAYS[dtype].from(data), { shape: [outer, length, inner], dtype: dtype as DType });
  const both = compile((a: Tensor) => [argMax(a, 1), argMin(a, 1)] as const);
  const [largest, least] = await both(x);
  const lines = Array.from({ length: outer * inner }, (_, line) => {
    const first = Math.floor(line / inner) * length * inner + (line % inner);
    return Array.from({ length }, (_, i) => data[first + i * inner] as number);
  });
  expect([...(await largest.data())]).toEqual(lines.map((line) => firstOf(line, false)));
  expect([...(await least.data())]).toEqual(lines.map((line) => firstOf(line, true)));
}

describe('argMax and argMin of lengths around those of vectors', () => {
  for (const dtype of Object.keys(ARRAYS) as Dtype[]) {
    it(`${dtype}: rows`, async () => {
      for (const length of [1, 2, 15, 16, 17, 31, 63, 64, 65, 127, 130, 256, 300]) {
        await expectFirst(dtype, length, 1);
      }
    });
    it(`${dtype}: columns`, async () => {
      for (const inner of [2, 15, 33, 255, 256, 257, 520]) await expectFirst(dtype, 11, inner);
    });
  }
});
