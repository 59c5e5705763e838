import type { Slice } from '../protocol/job.js';

/** Slices as `addon.combine` takes them. */
export function rangesOf(slices: readonly Slice[]): Float64Array {
  return Float64Array.from(slices.flatMap(({ start, end }) => [start, end]));
}
