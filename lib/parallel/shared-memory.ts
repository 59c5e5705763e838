import { bytesPerElement, type DType, type TypedArray, viewOf } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import type { SharedMemory } from './job.js';

/** Zeros that every worker sees. Throws an error that says how much was asked for when there is not enough. */
export function sharedMemory(dtype: DType, elements: number): SharedMemory {
  const bytes = elements * bytesPerElement(dtype);
  try {
    return { buffer: new SharedArrayBuffer(bytes), dtype };
  } catch (cause) {
    const error = invalid('Trainer', `not enough memory for ${bytes} shared bytes`);
    error.cause = cause;
    throw error;
  }
}

/** Some elements of shared memory, by default all. */
export function viewInto(
  { buffer, dtype }: SharedMemory,
  start = 0,
  end = buffer.byteLength / bytesPerElement(dtype),
): TypedArray {
  return viewOf(dtype, buffer, start * bytesPerElement(dtype), end - start);
}
