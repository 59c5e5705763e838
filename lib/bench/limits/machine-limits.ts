import { MeasuringThreads } from '../../profile/measuring-threads.js';
import { addon } from '../../runtime/addon.js';
import { availableMemory } from '../../runtime/usable-memory.js';
import { sum } from '../statistics.js';
import { type Cache, dataCaches } from './caches.js';
import type { RateTask } from './worker.js';

/** What some threads can do at best, all of them together. */
export interface MachineLimits {
  readonly threads: number;
  /** 10^9 floating-point operations per second of a loop that multiplies and adds float32 vectors in registers. */
  readonly gflopsPerSecond: number;
  /** By working set, from the smallest on. */
  readonly bandwidths: readonly Bandwidth[];
}

/** The rates of moves, in 10^9 bytes per second: of the reads and writes together. */
export interface Bandwidth {
  /** Working set of one thread. */
  readonly bytes: number;
  readonly read: number;
  readonly write: number;
  readonly copy: number;
  /** Two arrays are read, and one is written. */
  readonly add: number;
}

const SMALLEST = 2 ** 14;

/** Bounds of the largest working set of a thread. */
const [LEAST_LARGEST, MOST_LARGEST] = [2 ** 26, 2 ** 28];

/** Milliseconds of a measurement. */
const PEAK_MS = 20;
const MOVE_MS = 8;

/** A rate is taken to be the best when so many rounds in a row have not raised it by this share. */
const [ROUNDS_WITHOUT, SHARE] = [3, 0.01];

/** Most rounds of a measurement. */
const MOST_ROUNDS = 20;

const known = new Map<number, Promise<MachineLimits>>();

/** As `measureLimits`, once for each number of threads. */
export function knownLimits(threads: number): Promise<MachineLimits> {
  const limits = known.get(threads) ?? measureLimits(threads);
  known.set(threads, limits);
  return limits;
}

/** Measures the limits of so many threads, of which each has memory of its own. */
export async function measureLimits(threads: number): Promise<MachineLimits> {
  const pool = await MeasuringThreads.start('lib/bench/limits/worker.js', threads);
  const best = (task: RateTask) => bestRate(async () => sum(await pool.each<number>(task)));
  try {
    const gflopsPerSecond = await best({ kind: 'multiplyAdd', milliseconds: PEAK_MS });
    const bandwidths: Bandwidth[] = [];
    for (const bytes of workingSets(threads)) bandwidths.push(await bandwidthOf(bytes, best));
    return { threads, gflopsPerSecond, bandwidths };
  } finally {
    await pool.stop();
  }
}

/**
 * The best of as many rounds as it takes: other work on the machine only slows rounds down, so a limit must not be the rate
 * of a disturbed one.
 */
export async function bestRate(round: () => Promise<number>): Promise<number> {
  let best = await round();
  let without = 0;
  for (let i = 1; i < MOST_ROUNDS && without < ROUNDS_WITHOUT; i++) {
    const rate = await round();
    without = rate > best * (1 + SHARE) ? 0 : without + 1;
    best = Math.max(best, rate);
  }
  return best;
}

async function bandwidthOf(bytes: number, best: (task: RateTask) => Promise<number>): Promise<Bandwidth> {
  const rates = { bytes, read: 0, write: 0, copy: 0, add: 0 };
  for (const [move, { name }] of addon().probeMoves().entries()) {
    rates[name] = Math.max(rates[name], await best({ kind: 'move', move, bytes, milliseconds: MOVE_MS }));
  }
  return rates;
}

/** Working sets of a thread, each twice the one before, until all caches are too small for it. */
function workingSets(threads: number): number[] {
  const outermost = (dataCaches().at(-1) as Cache).bytes;
  const affordable = availableMemory().available / 8 / threads;
  const largest = Math.min(MOST_LARGEST, Math.max(LEAST_LARGEST, 4 * outermost), affordable);
  const sizes: number[] = [];
  for (let bytes = SMALLEST; bytes <= Math.max(SMALLEST, largest); bytes *= 2) sizes.push(bytes);
  return sizes;
}
