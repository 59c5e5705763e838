import { BRIEF } from './brief.js';
import { MeasuringThreads } from './measuring-threads.js';
import type { Effort } from './peak-worker.js';

/** Sizes of the square matrices to multiply. */
const SIDES = BRIEF ? [256] : [512, 1024, 2048];

/** Elements of a vector that exceeds all caches, unless it is to be brief. */
const VECTOR = BRIEF ? 1 << 16 : 1 << 24;

const ROUNDS = BRIEF ? 1 : 3;

/** Duration of one round, in milliseconds. */
const ROUND_MS = BRIEF ? 5 : 150;

const known = new Map<string, number>();

/**
 * Rate at which all threads together multiply float32 matrices, each with its own compiled plan, in GFLOP/s: the best
 * of several rounds and sizes. Measured once per process and number of threads.
 */
export function measurePeak(workers: number): Promise<number> {
  return once('product', SIDES, workers);
}

/** Rate at which all threads together add float32 vectors in main memory, in 10^9 bytes per second; measured once. */
export function measureBandwidth(workers: number): Promise<number> {
  return once('sum', [VECTOR], workers);
}

async function once(kind: Effort['kind'], sizes: readonly number[], workers: number): Promise<number> {
  const key = `${kind} ${workers}`;
  const rate = known.get(key) ?? (await measure(kind, sizes, workers));
  known.set(key, rate);
  return rate;
}

async function measure(kind: Effort['kind'], sizes: readonly number[], workers: number): Promise<number> {
  const threads = await MeasuringThreads.start('lib/profile/peak-worker.js', workers);
  const round = async (effort: Effort): Promise<number> => {
    const rates = await threads.each<number>(effort);
    return rates.reduce((sum, rate) => sum + rate, 0);
  };
  try {
    const rates: number[] = [];
    for (const size of sizes) {
      for (let i = 0; i < ROUNDS; i++) rates.push(await round({ kind, size, milliseconds: ROUND_MS }));
    }
    return Math.max(...rates);
  } finally {
    await threads.stop();
  }
}
