import type { Slice } from '../protocol/job.js';
import { ALIGNMENT, type FlatParameters } from './flat-parameters.js';

/** Pieces that all parameters are cut into at most, to be dealt to workers. */
const MOST_PIECES = 128;

/**
 * The pieces of the flat memory that no two workers share, in order: whole parameters where the rule needs them whole,
 * and elsewhere cache lines in equal numbers. They depend on the model alone, and not on the number of workers.
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

/** The indices of the first piece of each worker, and behind the last worker's, their number. */
export function dealPieces(pieces: readonly Slice[], workers: number): number[] {
  const total = pieces.at(-1)?.end ?? 0;
  const owner = ({ start, end }: Slice) => Math.floor(((start + end) / 2 / total) * workers);
  return Array.from({ length: workers + 1 }, (_, rank) => {
    const first = pieces.findIndex((piece) => owner(piece) >= rank);
    return first < 0 ? pieces.length : first;
  });
}

/** The part of a range that is in another, or null. */
export function intersection(a: Slice, b: Slice): Slice | null {
  const [start, end] = [Math.max(a.start, b.start), Math.min(a.end, b.end)];
  return start < end ? { start, end } : null;
}
