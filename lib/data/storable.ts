import type { DType } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';

const ranges: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 255],
  bool: [0, 1],
};

/** True if an array of `dtype` holds a value unchanged, except for the rounding of fractions. */
export function isStorable(dtype: DType, value: unknown): value is number {
  const range = ranges[dtype];
  if (typeof value !== 'number' || !range) return typeof value === 'number';
  return Number.isInteger(value) && value >= range[0] && value <= range[1];
}

/**
 * Rejects a value that an array of `dtype` would silently change: NaN, a fraction or a number out of range.
 *
 * @param index index of the sample that holds it
 * @param hint text appended to the error message
 */
export function requireStorable(
  name: string,
  dtype: DType,
  value: unknown,
  index: number,
  hint = '',
): asserts value is number {
  if (typeof value !== 'number') {
    throw invalid('fromArrays', `sample ${index} of ${name} must hold numbers only`, value);
  }
  const range = ranges[dtype];
  if (!range || isStorable(dtype, value)) return;
  const expected = `sample ${index} of ${name} must hold ${dtype} integers from ${range[0]} to ${range[1]}${hint}`;
  throw invalid('fromArrays', expected, value);
}
