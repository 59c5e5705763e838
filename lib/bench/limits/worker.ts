import { type Outcome, outcomeOf } from '../../graph/outcome.js';
import { addon } from '../../runtime/addon.js';
import { alignedFloats } from './aligned-floats.js';

/** A rate to measure on one thread. */
export type RateTask =
  | { readonly kind: 'multiplyAdd'; readonly milliseconds: number }
  | {
      readonly kind: 'move';
      /** Its place in `addon().probeMoves()`. */
      readonly move: number;
      /** Of all arrays together. */
      readonly bytes: number;
      readonly milliseconds: number;
    };

/** Entry point of the threads: a rate in 10^9 operations or bytes per second. */
export default function work(task: RateTask): Promise<Outcome<number>> {
  return outcomeOf(() => rateOf(task));
}

function rateOf(task: RateTask): number {
  if (task.kind === 'multiplyAdd') return addon().probeMultiplyAdd(task.milliseconds);
  const { move, bytes, milliseconds } = task;
  const { reads, writes } = addon().probeMoves()[move] ?? { reads: 1, writes: 1 };
  const elements = elementsOf(bytes / (reads + writes));
  const [out, a = out, b = a] = arraysOf(elements, reads + writes) as [Float32Array, ...Float32Array[]];
  return addon().probeMove(move, a, b, out, milliseconds);
}

/** The elements of so many bytes, as a multiple of what the moves take at once. */
function elementsOf(bytes: number): number {
  return Math.max(256, Math.floor(bytes / 4 / 256) * 256);
}

/** Floats between two arrays, so that the same places of them are in different cache sets. */
const GAP = 272;

let memory = alignedFloats(0);

/** Arrays in memory that has been written to, since pages that never were may be one for all. */
function arraysOf(elements: number, count: number): Float32Array[] {
  const needed = count * (elements + GAP);
  if (memory.length < needed) {
    memory = alignedFloats(needed);
    addon().adviseHugePages(memory);
    memory.fill(1);
  }
  return Array.from({ length: count }, (_, i) => {
    const first = i * (elements + GAP);
    return memory.subarray(first, first + elements);
  });
}
