import { type ChainruleError, failed } from '../../graph/errors.js';
import { formatBytes, type MemoryBudget } from '../../runtime/memory-size.js';
import { enumerate } from '../../text/names.js';
import { type MemoryEstimate, MemoryEstimator, totalOf, type Workload } from './memory-estimator.js';

/** Memory of a job without a budget: the quickest plans, on all workers that it was compiled for. */
export function estimateWithoutBudget(workload: Workload): MemoryEstimate {
  const workers = mostWorkers(workload);
  return new MemoryEstimator(workload).at({ workers, arenaBytes: Number.POSITIVE_INFINITY });
}

/**
 * The quickest way to run a job within a budget: on as many workers as fit, if the trainer chooses their number; with
 * as many shards together or at once as fit with the quickest plans; otherwise one shard at a time, with the least
 * recomputation.
 *
 * @throws if the budget is too small, with the smallest possible budget and its parts
 */
export function fitBudget(workload: Workload, { bytes, reason }: MemoryBudget): MemoryEstimate {
  const estimator = new MemoryEstimator(workload);
  const found = findWithin(estimator, bytes);
  if (found) return found;
  throw refusal(workload, smallestEstimate(estimator), bytes, reason);
}

/** Like `fitBudget`, but undefined if the budget is too small. */
export function findWithin(estimator: MemoryEstimator, bytes: number): MemoryEstimate | undefined {
  for (const workers of candidates(estimator.workload)) {
    const found = fitWorkers(estimator, workers, bytes);
    if (found) return found;
  }
  return undefined;
}

/** The way to run a job that takes the least memory: with one byte less, none fits. */
function smallestEstimate(estimator: MemoryEstimator): MemoryEstimate {
  const all = candidates(estimator.workload).map((workers) => leastOf(estimator, workers));
  let best = all.reduce((least, one) => (one.total < least.total ? one : least));
  for (;;) {
    const better = findWithin(estimator, best.total - 1);
    if (!better) return best;
    best = better;
  }
}

function mostWorkers({ training, context }: Workload): number {
  return training?.workers ?? context.workers;
}

/** Numbers of workers to try, the largest first; only one if the caller set it. */
function candidates(workload: Workload): number[] {
  const most = mostWorkers(workload);
  return workload.context.cores === undefined ? [most] : Array.from({ length: most }, (_, i) => most - i);
}

/** The quickest way for `workers` workers within `bytes`; undefined if there is none. */
function fitWorkers(estimator: MemoryEstimator, workers: number, bytes: number): MemoryEstimate | undefined {
  for (const together of estimator.groupSizes(workers)) {
    const arenaBytes = estimator.quickestArena(workers, together);
    const estimate = estimator.at({ workers, together, arenaBytes });
    if (estimate.total <= bytes) return estimate;
  }
  return fitInTurn(estimator, workers, bytes);
}

/**
 * The same with one shard at a time, unless shards wait for each other. The memory that plans take besides the arena
 * depends on their choice.
 */
export function fitInTurn(
  estimator: MemoryEstimator,
  workers: number,
  bytes: number,
): MemoryEstimate | undefined {
  const smallest = estimator.smallestArena(workers);
  let arenaBytes = estimator.quickestArena(workers);
  while (arenaBytes >= smallest) {
    const estimate = estimator.at({ workers, together: 1, arenaBytes });
    if (estimate.total <= bytes) return estimate;
    const arenas = estimate.workers.reduce((sum, worker) => sum + worker.arenas.length, 0);
    arenaBytes = estimate.limits.arenaBytes - Math.ceil((estimate.total - bytes) / arenas);
  }
  const least = leastOf(estimator, workers);
  return least.total <= bytes ? least : undefined;
}

/**
 * The way that takes the least memory with one shard at a time. Its arena need not be the smallest, as each step of a
 * plan also takes some memory.
 */
export function leastOf(estimator: MemoryEstimator, workers: number): MemoryEstimate {
  const smallest = estimator.smallestArena(workers);
  const arenas = [smallest, ...estimator.largest.curve().map((choice) => choice.arenaBytes)];
  return arenas
    .map((arenaBytes) => estimator.at({ workers, together: 1, arenaBytes: Math.max(smallest, arenaBytes) }))
    .reduce((least, one) => (one.total < least.total ? one : least));
}

function refusal(
  { training, evaluation, context }: Workload,
  { shared, workers, total }: MemoryEstimate,
  bytes: number,
  reason: string | undefined,
): ChainruleError {
  const worker = workers.reduce((most, one) => (totalOf(one) > totalOf(most) ? one : most));
  const parts = [
    ['parameters', shared.parameters],
    ['gradients', shared.gradients],
    ['state of the optimiser', shared.optimizer],
    ['copies, figures and constants', shared.other],
  ] as const;
  const each = [
    ['activations and workspace', worker.arenas.reduce((sum, arena) => sum + arena, 0)],
    ['inputs', worker.inputs],
    ['plans', worker.plans],
  ] as const;
  const per = workers.length === 1 ? 'the worker' : `each of ${workers.length} workers`;
  const hints = [
    ...((training ?? evaluation)?.batchSize === 1 ? [] : ['smaller batches']),
    // Shards that wait for each other keep their activations, however many they are.
    ...(training && !training.exchanged && training.shards < training.batchSize ? ['more shards'] : []),
    ...(context.cores === undefined && workers.length > 1 ? ['fewer workers'] : []),
  ];
  const hint = hints.length > 0 ? `; ${enumerate(hints, 'or')} would need less` : '';
  const source = reason === undefined ? '' : ` (${reason})`;
  return failed(
    'ERR_CHAINRULE_BUDGET',
    training ? 'fit' : 'evaluate',
    `memory must be at least ${total} bytes (${formatBytes(total)}) here, of which ${listed(parts)}, and for ${per} ` +
      `${listed(each)}${hint}`,
    { received: `${bytes} bytes${source}` },
  );
}

function listed(parts: readonly (readonly [name: string, bytes: number])[]): string {
  return parts
    .filter(([, bytes]) => bytes > 0)
    .map(([name, bytes]) => `${formatBytes(bytes)} ${name}`)
    .join(', ');
}
