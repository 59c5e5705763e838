import { bytesPerElement, type DType, type TypedArray, viewOf } from '../../graph/dtype.js';
import { failed } from '../../graph/errors.js';
import { firstLine, LINE } from '../../runtime/aligned-memory.js';
import type { SharedMemory } from './job.js';

/**
 * Zeroed memory shared by all workers, aligned to a cache line, because vectors across two lines are slower to store.
 *
 * @throws with the number of bytes when there is not enough memory
 */
export function sharedMemory(dtype: DType, elements: number): SharedMemory {
  const buffer = allocate(bytesOf({ dtype, elements }));
  return { buffer, byteOffset: firstLine(buffer), elements, dtype };
}

const nothing = new SharedArrayBuffer(0);

/** Placeholder for memory of which only the size matters. */
export function missingMemory(dtype: DType, elements: number): SharedMemory {
  return { buffer: nothing, byteOffset: 0, elements, dtype };
}

/** Size of shared memory in bytes, with its alignment. */
export function bytesOf({ dtype, elements }: Pick<SharedMemory, 'dtype' | 'elements'>): number {
  return elements * bytesPerElement(dtype) + LINE;
}

/** A zeroed shared buffer of exactly this size, without alignment to cache lines. */
export function sharedBuffer(dtype: DType, elements: number): SharedArrayBuffer {
  return allocate(elements * bytesPerElement(dtype));
}

/** View of some elements of shared memory; by default, of all. */
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
    const expected = `not enough memory for ${bytes} shared bytes`;
    throw failed('ERR_CHAINRULE_MEMORY', 'Trainer', expected, { cause });
  }
}
