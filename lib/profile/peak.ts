import { compiledModule } from '../runtime/package-root.js';
import type { Effort } from './peak-worker.js';

/** Rows, columns and depth of the products that are tried. */
const SIDES = [512, 1024, 2048];

/** Elements of vectors that no cache holds. */
const VECTOR = 1 << 24;

const ROUNDS = 5;

/** How long a thread works in one round, in milliseconds. */
const ROUND_MS = 150;

const known = new Map<string, number>();

/**
 * The rate at which all threads together multiply float32 matrices through compiled plans, each thread its own, in
 * GFLOP/s: the best of several rounds and sizes. It is measured once in a process for each number of threads.
 */
export function measurePeak(workers: number): Promise<number> {
  return once('product', SIDES, workers);
}

/** The rate at which all threads together add float32 vectors that lie in main memory, in 10^9 bytes a second; once. */
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
  const { Piscina } = await import('piscina');
  const pool = new Piscina({
    filename: compiledModule('lib/profile/peak-worker.js').href,
    minThreads: workers,
    maxThreads: workers,
    concurrentTasksPerWorker: 1,
  });
  const round = async (effort: Effort): Promise<number> => {
    const rates = Array.from({ length: workers }, () => pool.run(effort) as Promise<number>);
    return (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0);
  };
  try {
    const rates: number[] = [];
    for (const size of sizes) {
      for (let i = 0; i < ROUNDS; i++) rates.push(await round({ kind, size, milliseconds: ROUND_MS }));
    }
    return Math.max(...rates);
  } finally {
    await pool.destroy();
  }
}
