import { failed, invalid } from './errors.js';

/** Element types of tensors. `bool` is stored as one byte, 0 or 1. */
export type DType = 'float32' | 'float64' | 'int32' | 'uint8' | 'bool';

/** The arrays that hold tensor elements, over an ArrayBuffer or a SharedArrayBuffer. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** A tensor's values outside any graph: row-major elements with their dtype and shape. */
export interface TensorData {
  dtype: DType;
  shape: readonly number[];
  data: TypedArray;
}

interface ArrayType {
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray;
  readonly BYTES_PER_ELEMENT: number;
}

const arrays: Readonly<Record<DType, ArrayType>> = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/** All dtypes, in the order in which error messages list them. */
export const dtypes: readonly DType[] = ['float32', 'float64', 'int32', 'uint8', 'bool'];

/** True if `value` names a dtype. */
export function isDType(value: unknown): value is DType {
  return typeof value === 'string' && Object.hasOwn(arrays, value);
}

/** Checks that `value` names a dtype. */
export function requireDType(op: string, value: unknown): DType {
  if (isDType(value)) return value;
  throw invalid(op, `dtype must be one of ${dtypes.join(', ')}`, value);
}

/** True for the floating-point dtypes, the only ones that have gradients. */
export function isFloat(dtype: DType): dtype is 'float32' | 'float64' {
  return dtype === 'float32' || dtype === 'float64';
}

/** Size of one element of `dtype`, in bytes. */
export function bytesPerElement(dtype: DType): number {
  return arrays[dtype].BYTES_PER_ELEMENT;
}

/** The dtype of a typed array, or undefined for an array type that tensors do not use. A Uint8Array is `uint8`. */
export function findDType(array: unknown): Exclude<DType, 'bool'> | undefined {
  if (array instanceof Float32Array) return 'float32';
  if (array instanceof Float64Array) return 'float64';
  if (array instanceof Int32Array) return 'int32';
  return array instanceof Uint8Array ? 'uint8' : undefined;
}

/** The dtype of a typed array; a Uint8Array (or Buffer) is `uint8`, never `bool`. */
export function dtypeOf(array: TypedArray): Exclude<DType, 'bool'> {
  const dtype = findDType(array);
  if (dtype) return dtype;
  throw invalid('dtypeOf', 'need a Float32Array, Float64Array, Int32Array or Uint8Array', array);
}

/**
 * Allocates zeroed storage.
 *
 * @param elements number of elements
 * @param options.shared back the array with a SharedArrayBuffer, which worker threads see without a copy
 * @throws ChainruleError with the number of bytes requested, if the allocation fails
 */
export function allocate(
  dtype: DType,
  elements: number,
  { shared = false }: { shared?: boolean } = {},
): TypedArray {
  const bytes = elements * bytesPerElement(dtype);
  try {
    return new arrays[dtype](shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const expected = `cannot allocate ${bytes} bytes for ${elements} ${dtype} elements`;
    throw failed('ERR_CHAINRULE_MEMORY', 'allocate', expected, { cause });
  }
}

/** Views `elements` elements of `buffer` from `byteOffset`, which must be a multiple of the element size. */
export function viewOf(
  dtype: DType,
  buffer: ArrayBufferLike,
  byteOffset: number,
  elements: number,
): TypedArray {
  return new arrays[dtype](buffer, byteOffset, elements);
}
