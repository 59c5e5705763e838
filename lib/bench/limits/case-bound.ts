import { at } from '../../graph/at.js';
import { bytesOnAll, type Cache, dataCaches } from './caches.js';
import { bytesBehind, type CaseWork } from './case-work.js';
import type { MachineLimits } from './machine-limits.js';
import { ratesFrom } from './time-limit.js';

/** The time that a step of a case takes at least, on a machine. */
export interface Bound {
  readonly ms: number;
  /** What it is the time of: the products, or the bytes from a level of memory: 'L1', 'L2', ..., 'memory'. */
  readonly by: string;
  /** `ms` over the median of our times. */
  readonly share: number;
  /** True within 10 % of the bound. */
  readonly reached: boolean;
}

/** The most that a case which has reached its bound takes, in times of it. */
const REACHED = 1.1;

/**
 * The bound of a case: its products at the machine's peak, and the bytes that must move at its bandwidth, overlapped; so
 * it is the longest of these times. A step cannot be faster with the methods of its plan.
 */
export function boundOf(
  work: CaseWork,
  limits: MachineLimits,
  medianMs: number,
  caches: readonly Cache[] = dataCaches(),
): Bound {
  const { threads, gflopsPerSecond, bandwidths } = limits;
  const products = { by: 'products', ms: work.flops / gflopsPerSecond / 1e6 };
  const levels = [0, ...caches.map((cache) => bytesOnAll(cache, threads))].map((cacheBytes, level) => {
    const bytes = bytesBehind(work, cacheBytes, threads);
    // A working set of twice the caches' size finds nothing in them.
    const { any } = ratesFrom((2 * cacheBytes) / threads, bandwidths);
    const by = level < caches.length ? `L${at(caches, level).level}` : 'memory';
    return { by, ms: bytes / any / 1e6 };
  });
  const longest = [products, ...levels].reduce((a, b) => (b.ms > a.ms ? b : a));
  return {
    ...longest,
    share: longest.ms / medianMs,
    reached: medianMs <= REACHED * longest.ms,
  };
}
