import type { Result } from '../../lib/bench/run.js';

/** Limits of the machine, for as many threads as a prediction has. */
export interface Limits {
  /** The rate of multiply-adds, in GFLOP/s. */
  readonly peak: number;
  /** The rate at which memory of so many bytes is read, in GB/s. */
  bandwidth(bytes: number): number;
}

/**
 * Milliseconds that a prediction takes at least: as long as reading all weights once or as its operations, whichever
 * takes longer. Algorithms that save operations can be faster.
 */
export function boundOf({ parameters, gflopsPerSecond, medianMs }: Result, limits: Limits): number {
  const bytes = 4 * parameters;
  const reading = bytes / limits.bandwidth(bytes) / 1e6;
  return Math.max(reading, (gflopsPerSecond * medianMs) / limits.peak);
}
