import type { Product } from './peak-worker.js';

/** Rows, columns and depth of the products that are tried. */
const SIZES = [512, 1024, 2048];

const ROUNDS = 5;

/** How long a thread multiplies in one round, in milliseconds. */
const ROUND_MS = 150;

const measured = new Map<number, Promise<number>>();

/**
 * The rate at which all threads together multiply float32 matrices through compiled plans, each thread its own, in
 * GFLOP/s: the best of several rounds and sizes. It is measured once in a process for each number of threads.
 */
export function measurePeak(workers: number): Promise<number> {
  const known = measured.get(workers) ?? measure(workers);
  measured.set(workers, known);
  return known;
}

async function measure(workers: number): Promise<number> {
  const { Piscina } = await import('piscina');
  const pool = new Piscina({
    filename: new URL('./peak-worker.js', import.meta.url).href,
    minThreads: workers,
    maxThreads: workers,
    concurrentTasksPerWorker: 1,
  });
  const round = async (product: Product): Promise<number> => {
    const rates = Array.from({ length: workers }, () => pool.run(product) as Promise<number>);
    return (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0);
  };
  try {
    const rates: number[] = [];
    for (const size of SIZES) {
      for (let i = 0; i < ROUNDS; i++) rates.push(await round({ size, milliseconds: ROUND_MS }));
    }
    return Math.max(...rates);
  } finally {
    await pool.destroy();
  }
}
