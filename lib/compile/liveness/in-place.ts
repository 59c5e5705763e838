import type { Step } from '../plan/plan.js';
import { type Buffer, fillsBuffer, type Value } from '../plan/values.js';

/** A write that may take the memory of one of the values that the same step reads, if that value dies there. */
export interface InPlace {
  readonly write: number;
  readonly reads: readonly number[];
}

/**
 * The writes that a step may do in place: an element-wise program, also one with reductions, reads an element before
 * it writes the same element, so an output may overwrite an operand of the same type and size.
 *
 * @param numberOf the number of the value in a buffer, by the id of the buffer
 */
export function inPlaceWrites(step: Step<Value>, numberOf: (id: number) => number): InPlace[] {
  if (step.kernel !== 'map' && step.kernel !== 'reduce') return [];
  const inParts = new Set<Buffer>();
  for (const operand of step.operands) {
    const { buffer } = operand;
    if (buffer.kind === 'arena' && !fillsBuffer(operand, buffer.bytes)) inParts.add(buffer);
  }
  return step.outputs.flatMap(({ buffer, dtype }) => {
    if (buffer.kind !== 'arena') return [];
    const size = buffer.bytes;
    const reads = new Set<number>();
    for (const operand of step.operands) {
      const own = operand.buffer;
      if (own.kind !== 'arena' || own.bytes !== size || operand.dtype !== dtype) continue;
      if (!inParts.has(own)) reads.add(numberOf(own.id));
    }
    return reads.size > 0 ? [{ write: numberOf(buffer.id), reads: [...reads] }] : [];
  });
}

/**
 * Decides which writes of a step take the memory of which reads, at most one of each: first writes that are read later,
 * then those that are never read.
 */
export function shareInPlace(
  writes: readonly InPlace[],
  dies: (read: number) => boolean,
  isIdle: (write: number) => boolean,
  share: (write: number, read: number) => void,
): void {
  const taken = new Set<number>();
  for (const idle of [false, true]) {
    for (const { write, reads } of writes) {
      if (isIdle(write) !== idle) continue;
      const read = reads.find((value) => !taken.has(value) && dies(value));
      if (read === undefined) continue;
      taken.add(read);
      share(write, read);
    }
  }
}
