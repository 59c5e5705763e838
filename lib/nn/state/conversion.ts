import { allocate, type DType, isFloat, type TypedArray } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import { type FileArray, type FileDType, isHalf } from '../../io/file-dtypes.js';

const INTEGERS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  int8: [-(2 ** 7), 2 ** 7 - 1],
  uint8: [0, 2 ** 8 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  uint16: [0, 2 ** 16 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [-(2 ** 63), 2 ** 63 - 1],
  uint64: [0, 2 ** 64 - 1],
};

/** True if values of one dtype may become those of another: with `cast`, also if some may not fit. */
export function converts(from: FileDType, to: DType, cast: boolean): boolean {
  if (from === to || (isHalf(from) && isFloat(to)) || (from === 'float32' && to === 'float64')) return true;
  const given = INTEGERS[from];
  const held = INTEGERS[to];
  if (given && held) return cast || (given[0] >= held[0] && given[1] <= held[1]);
  return cast && isFloat(to) && (given !== undefined || from === 'float64' || from === 'bool');
}

/**
 * The values of a file's tensor as those of another dtype.
 *
 * @param name of the tensor, for errors
 * @throws if an integer does not fit
 */
export function convert(name: string, values: FileArray, to: DType): TypedArray {
  const isInteger = !isFloat(to);
  const target = allocate(to, values.length);
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    target[i] = value;
    if (isInteger && target[i] !== value)
      throw invalid(name, `value ${i} must be an ${to} number`, values[i]);
  }
  return target;
}
