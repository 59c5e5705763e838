import {
  allocate,
  bytesPerElement,
  type DType,
  findDType,
  isDType,
  type TypedArray,
} from '../graph/dtype.js';
import { failed, invalid } from '../graph/errors.js';

/** Integer types that files have and tensors lack. */
export type WideDType = 'int8' | 'int16' | 'uint16' | 'uint32' | 'int64' | 'uint64';

/** Float types that are read as float32, which holds each of their values. */
export type HalfDType = 'float16' | 'bfloat16' | 'float8_e4m3fn' | 'float8_e5m2';

/** Types that are read as the bytes in the file: complex numbers, and floats of which several share a byte. */
export type RawDType = 'complex64' | 'float8_e8m0fnu' | 'float6_e2m3' | 'float6_e3m2' | 'float4_e2m1';

/** Element types of the tensors in a file. */
export type FileDType = DType | WideDType | HalfDType | RawDType;

/** The arrays that hold the elements of a file's tensors. */
export type FileArray =
  | TypedArray
  | Int8Array
  | Int16Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

interface Typed<D extends FileDType, A extends FileArray> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: A;
}

/**
 * A tensor of a file: row-major elements with their dtype and shape. Halves are float32 by now; what JavaScript has no
 * array for, as float4, are the bytes of the file.
 */
export type FileTensor =
  | Typed<DType, TypedArray>
  | Typed<WideDType, Exclude<FileArray, TypedArray>>
  | Typed<RawDType, Uint8Array>;

const wideArrays = {
  int8: Int8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
};
const halves: Readonly<Record<HalfDType, { bits: 8 | 16; widen: (bits: number) => number }>> = {
  float16: { bits: 16, widen: (bits) => smallFloat(bits, 5, 10, 'ieee') },
  bfloat16: { bits: 16, widen: (bits) => smallFloat(bits, 8, 7, 'ieee') },
  float8_e4m3fn: { bits: 8, widen: (bits) => smallFloat(bits, 4, 3, 'finite') },
  float8_e5m2: { bits: 8, widen: (bits) => smallFloat(bits, 5, 2, 'ieee') },
};
const rawBits: Readonly<Record<RawDType, number>> = {
  complex64: 64,
  float8_e8m0fnu: 8,
  float6_e2m3: 6,
  float6_e3m2: 6,
  float4_e2m1: 4,
};

/** Size of one element in the file, in bits. */
export function bitsPerElement(dtype: FileDType): number {
  if (isDType(dtype)) return 8 * bytesPerElement(dtype);
  if (isWide(dtype)) return 8 * wideArrays[dtype].BYTES_PER_ELEMENT;
  return isHalf(dtype) ? halves[dtype].bits : rawBits[dtype];
}

/** True for an integer type that tensors lack. */
export function isWide(dtype: FileDType): dtype is WideDType {
  return Object.hasOwn(wideArrays, dtype);
}

/** True for a float type that is read as float32. */
export function isHalf(dtype: FileDType): dtype is HalfDType {
  return Object.hasOwn(halves, dtype);
}

/** The values of float32 of all bit patterns of a half, made once. */
const tables = new Map<HalfDType, Float32Array>();

/** The float32 values of halves, which are given by their bits: bytes for types of 8 bits. */
export function widenHalves(dtype: HalfDType, bits: Uint8Array | Uint16Array): Float32Array {
  const { bits: width, widen } = halves[dtype];
  const table = tables.get(dtype) ?? Float32Array.from({ length: 2 ** width }, (_, i) => widen(i));
  tables.set(dtype, table);
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i] as number] as number;
  return values;
}

/**
 * The value of a float of 16 bits or fewer: a sign, an exponent and a mantissa. With 'ieee' the largest exponent has
 * infinity and NaN; with 'finite' only the largest number of all is NaN, as in OCP's E4M3.
 */
function smallFloat(bits: number, exponentBits: number, mantissaBits: number, kind: 'ieee' | 'finite') {
  const mantissa = bits % 2 ** mantissaBits;
  const exponent = (bits >> mantissaBits) % 2 ** exponentBits;
  const sign = bits >> (mantissaBits + exponentBits) ? -1 : 1;
  const bias = 2 ** (exponentBits - 1) - 1;
  const fraction = mantissa / 2 ** mantissaBits;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias);
  const largest = exponent === 2 ** exponentBits - 1;
  if (kind === 'ieee' && largest) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (kind === 'finite' && largest && mantissa === 2 ** mantissaBits - 1) return Number.NaN;
  return sign * (1 + fraction) * 2 ** (exponent - bias);
}

/** The array of a tensor's elements as they lie in a file: for halves their bits, for raw types the bytes. */
export function allocateStored(dtype: FileDType, bytes: number): FileArray {
  if (isDType(dtype)) return allocate(dtype, bytes / bytesPerElement(dtype));
  const stored = isWide(dtype)
    ? wideArrays[dtype]
    : isHalf(dtype) && halves[dtype].bits === 16
      ? Uint16Array
      : Uint8Array;
  return new stored(allocateBytes(bytes).buffer);
}

/** Zeroed memory; throws a ChainruleError with the number of bytes if the system has none. */
export function allocateBytes(bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw failed('ERR_CHAINRULE_MEMORY', 'allocate', `cannot allocate ${bytes} bytes`, { cause });
  }
}

/** A tensor of what `allocateStored` made room for, once the bytes of the file are there. */
export function fileTensor(
  source: string,
  dtype: FileDType,
  shape: readonly number[],
  stored: FileArray,
): FileTensor {
  if (isHalf(dtype))
    return { dtype: 'float32', shape, data: widenHalves(dtype, stored as Uint8Array | Uint16Array) };
  const odd = dtype === 'bool' ? (stored as Uint8Array).find((value) => value > 1) : undefined;
  if (odd !== undefined) throw invalid(source, 'bytes of bool must be 0 or 1', odd);
  return { dtype, shape, data: stored } as FileTensor;
}

/** The dtype of the array that holds elements of a dtype. */
export function heldAs(dtype: FileTensor['dtype']): string {
  return dtype === 'bool' || Object.hasOwn(rawBits, dtype) ? 'uint8' : dtype;
}

/** True if `data` is the kind of array that holds elements of a dtype. */
export function fits(dtype: FileTensor['dtype'], data: FileArray): boolean {
  if (isDType(dtype)) return findDType(data) === (dtype === 'bool' ? 'uint8' : dtype);
  return data instanceof (isWide(dtype) ? wideArrays[dtype] : Uint8Array);
}

/** True if `value` is a dtype that a `FileTensor` has. */
export function isReadDType(value: unknown): value is FileTensor['dtype'] {
  return (
    typeof value === 'string' &&
    (isDType(value) || Object.hasOwn(wideArrays, value) || Object.hasOwn(rawBits, value))
  );
}
