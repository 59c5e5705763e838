import { type DType, findDType, isFloat, type TypedArray } from './dtype.js';
import { invalid } from './errors.js';

/**
 * The typed arrays that values may come in. Those that tensors do not store are converted: Int8, Int16 and Uint16 to
 * int32, Uint8Clamped to uint8, and Uint32, BigInt64 and BigUint64 to int32 if all values fit, or to a float dtype that
 * is asked for.
 */
export type NumberArray =
  | TypedArray
  | Int8Array
  | Int16Array
  | Uint16Array
  | Uint8ClampedArray
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Classes of arrays whose values an int32 may not hold. */
const wide = [Uint32Array, BigInt64Array, BigUint64Array] as const;
const narrow = [Int8Array, Int16Array, Uint16Array] as const;

const LARGEST = 2 ** 31 - 1;
const SMALLEST = -(2 ** 31);

/** The dtype of a tensor of the values of an array; undefined for what is no array of numbers. */
export function dtypeFor(array: unknown): Exclude<DType, 'bool'> | undefined {
  const held = findDType(array);
  if (held) return held;
  if (array instanceof Uint8ClampedArray) return 'uint8';
  if (isHalf(array)) return 'float32';
  return [...wide, ...narrow].some((kind) => array instanceof kind) ? 'int32' : undefined;
}

/**
 * The values of an array as one that tensors store, without a copy if it is one already.
 *
 * @param dtype that they are meant for, if it is known
 * @throws if it is no array of numbers, or a value does not fit
 */
export function storedArray(op: string, array: ArrayBufferView, dtype?: DType): TypedArray {
  if (findDType(array)) return array as TypedArray;
  if (array instanceof Uint8ClampedArray) {
    return new Uint8Array(array.buffer, array.byteOffset, array.length);
  }
  if (narrow.some((kind) => array instanceof kind)) return Int32Array.from(array as Int16Array);
  if (isHalf(array)) return Float32Array.from(array as unknown as Float32Array);
  if (wide.some((kind) => array instanceof kind)) {
    return fromWide(op, array as Uint32Array | BigInt64Array, dtype !== undefined && isFloat(dtype));
  }
  throw invalid(op, 'values must be in an array of numbers, such as a Float32Array', array);
}

function fromWide(op: string, array: Uint32Array | BigInt64Array, toFloat: boolean): TypedArray {
  const values = toFloat ? new Float64Array(array.length) : new Int32Array(array.length);
  for (let i = 0; i < array.length; i++) {
    const value = Number(array[i]);
    const fits = toFloat ? Number.isSafeInteger(value) : value >= SMALLEST && value <= LARGEST;
    if (!fits) {
      const expected = toFloat ? 'an integer that a float holds exactly' : 'an int32 number';
      throw invalid(op, `value at position ${i} must be ${expected}`, array[i]);
    }
    values[i] = value;
  }
  return values;
}

/** True for a Float16Array, which not every version of Node.js has. */
function isHalf(array: unknown): boolean {
  return ArrayBuffer.isView(array) && array.constructor.name === 'Float16Array';
}
