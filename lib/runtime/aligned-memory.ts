import { allocate, bytesPerElement, type DType, type TypedArray, viewOf } from '../graph/dtype.js';
import { sizeOf } from '../graph/shapes.js';
import { Storage } from '../graph/storage.js';
import { addon } from './addon.js';

/** Bytes of a cache line. A vector that lies across two of them takes longer to load, and to store. */
export const LINE = 64;

/** The first byte of a buffer of at least LINE bytes at which a cache line begins. */
export function firstLine(buffer: ArrayBufferLike): number {
  const misfit = addon().addressModulo(new Uint8Array(buffer), LINE);
  return (LINE - misfit) % LINE;
}

/** Zeroed memory, as of `allocate`, that begins with a cache line. */
export function allocateAligned(
  dtype: DType,
  elements: number,
  options: { shared?: boolean } = {},
): TypedArray {
  const { buffer } = allocate(dtype, elements + LINE / bytesPerElement(dtype), options);
  return viewOf(dtype, buffer, firstLine(buffer), elements);
}

/** The memory of a variable that kernels read often. */
export class AlignedStorage extends Storage {
  protected override allocate(): TypedArray {
    return allocateAligned(this.dtype, sizeOf(this.shape), { shared: true });
  }
}
