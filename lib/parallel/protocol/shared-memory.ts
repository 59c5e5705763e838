import { bytesPerElement, type DType, type TypedArray, viewOf } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import { addon } from '../../runtime/addon.js';
import type { SharedMemory } from './job.js';

/** Bytes of a cache line. */
const LINE = 64;

/**
 * Zeros that every worker sees, from the start of a cache line on: vectors that lie across two lines are slower to store.
 * Throws an error that says how much was asked for when there is not enough.
 */
export function sharedMemory(dtype: DType, elements: number): SharedMemory {
  const buffer = allocate(bytesOf({ dtype, elements }));
  const misfit = addon.addressModulo(new Uint8Array(buffer), LINE);
  return { buffer, byteOffset: (LINE - misfit) % LINE, elements, dtype };
}

const nothing = new SharedArrayBuffer(0);

/** Stands for memory of which only the size matters. */
export function missingMemory(dtype: DType, elements: number): SharedMemory {
  return { buffer: nothing, byteOffset: 0, elements, dtype };
}

/** The bytes that shared memory takes. */
export function bytesOf({ dtype, elements }: Pick<SharedMemory, 'dtype' | 'elements'>): number {
  return elements * bytesPerElement(dtype) + LINE;
}

/** Zeros that every worker sees, and nothing else in the buffer. */
export function sharedBuffer(dtype: DType, elements: number): SharedArrayBuffer {
  return allocate(elements * bytesPerElement(dtype));
}

/** Some elements of shared memory, by default all. */
export function viewInto(
  { buffer, byteOffset, elements, dtype }: SharedMemory,
  start = 0,
  end = elements,
): TypedArray {
  return viewOf(dtype, buffer, byteOffset + start * bytesPerElement(dtype), end - start);
}

function allocate(bytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes);
  } catch (cause) {
    const error = invalid('Trainer', `not enough memory for ${bytes} shared bytes`);
    error.cause = cause;
    throw error;
  }
}
