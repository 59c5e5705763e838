import type { Slice } from '../protocol/job.js';
import { ALIGNMENT, type FlatParameters } from './flat-parameters.js';

/** Most pieces that all parameters are cut into, to be dealt to workers. */
const MOST_PIECES = 128;

/**
 * Pieces of the flat memory that are never split between workers, in order: whole parameters if the rule needs them
 * whole, else equal numbers of cache lines. They depend on the model only, not on the number of workers.
 */
export function indivisible({ runs, trainableElements }: FlatParameters): Slice[] {
  const lines = Math.ceil(trainableElements / ALIGNMENT / MOST_PIECES);
  const length = Math.max(1, lines) * ALIGNMENT;
  return runs.flatMap(({ start, end, divisible }) => {
    if (!divisible) return [{ start, end }];
    return Array.from({ length: Math.ceil((end - start) / length) }, (_, i) => ({
      start: start + i * length,
      end: Math.min(end, start + (i + 1) * length),
    }));
  });
}

/** Index of the first piece of each worker, followed by the number of pieces. */
export function dealPieces(pieces: readonly Slice[], workers: number): number[] {
  const total = pieces.at(-1)?.end ?? 0;
  const owner = ({ start, end }: Slice) => Math.floor(((start + end) / 2 / total) * workers);
  return Array.from({ length: workers + 1 }, (_, rank) => {
    const first = pieces.findIndex((piece) => owner(piece) >= rank);
    return first < 0 ? pieces.length : first;
  });
}

/** Intersection of two slices, or null if it is empty. */
export function intersection(a: Slice, b: Slice): Slice | null {
  const [start, end] = [Math.max(a.start, b.start), Math.min(a.end, b.end)];
  return start < end ? { start, end } : null;
}
