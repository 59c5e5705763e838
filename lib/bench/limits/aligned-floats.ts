import { dtypeOf, type TypedArray } from '../../graph/dtype.js';
import { allocateAligned } from '../../runtime/aligned-memory.js';

/** A new array that begins with a cache line, as the arrays of native kernels do. */
export function alignedFloats(elements: number): Float32Array {
  return allocateAligned('float32', elements) as Float32Array;
}

/** A copy that begins with a cache line. */
export function alignedCopy<T extends TypedArray>(values: T): T {
  const copy = allocateAligned(dtypeOf(values), values.length) as T;
  copy.set(values);
  return copy;
}
