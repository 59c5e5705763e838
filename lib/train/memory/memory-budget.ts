import { type ChainruleError, invalid } from '../../graph/errors.js';
import { formatBytes, type MemoryBudget } from '../../runtime/memory-size.js';
import { type MemoryEstimate, MemoryEstimator, totalOf, type Workload } from './memory-estimator.js';

/** What a job takes when memory does not matter: the quickest plans, on all workers that it was compiled for. */
export function estimateWithoutBudget(workload: Workload): MemoryEstimate {
  const workers = mostWorkers(workload);
  return new MemoryEstimator(workload).at({ workers, arenaBytes: Number.POSITIVE_INFINITY });
}

/**
 * The quickest way to do a job within a budget: on as many workers as have room, where their number was left to the trainer;
 * with as many shards together as have room for the quickest plans; and else in turn, with the least recomputation.
 *
 * @throws where no way takes as little, with the smallest budget and what it is made of
 */
export function fitBudget(workload: Workload, { bytes, reason }: MemoryBudget): MemoryEstimate {
  const estimator = new MemoryEstimator(workload);
  const found = findWithin(estimator, bytes);
  if (found) return found;
  throw refusal(workload, smallestEstimate(estimator), bytes, reason);
}

/** The same; undefined where no way takes as little. */
export function findWithin(estimator: MemoryEstimator, bytes: number): MemoryEstimate | undefined {
  for (const workers of candidates(estimator.workload)) {
    const found = fitWorkers(estimator, workers, bytes);
    if (found) return found;
  }
  return undefined;
}

/** The way to do a job that takes the least memory: of it, one byte less is not enough. */
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

/** Where the number of workers is the trainer's own choice, any of them will do. */
function candidates(workload: Workload): number[] {
  const most = mostWorkers(workload);
  return workload.context.cores === undefined ? [most] : Array.from({ length: most }, (_, i) => most - i);
}

/** The quickest way for so many workers within so many bytes; undefined where there is none. */
function fitWorkers(estimator: MemoryEstimator, workers: number, bytes: number): MemoryEstimate | undefined {
  const quickest = estimator.quickestArena(workers);
  for (const together of estimator.groupSizes(workers)) {
    const estimate = estimator.at({ workers, together, arenaBytes: quickest });
    if (estimate.total <= bytes) return estimate;
  }
  return fitInTurn(estimator, workers, bytes);
}

/** The same where shards run one after the other. What plans take besides the arena depends on which are chosen. */
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
    arenaBytes = estimate.limits.arenaBytes - Math.ceil((estimate.total - bytes) / workers);
  }
  const least = leastOf(estimator, workers);
  return least.total <= bytes ? least : undefined;
}

/** Of some ways, the one that takes the least: it need not have the smallest arena, as each step of a plan takes some memory, too. */
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
    ...(training && training.shards < training.batchSize ? ['more shards'] : []),
    ...(context.cores === undefined && workers.length > 1 ? ['fewer workers'] : []),
  ];
  const hint = hints.length > 0 ? `; ${alternatives(hints)} would need less` : '';
  const source = reason === undefined ? '' : ` (${reason})`;
  return invalid(
    training ? 'fit' : 'evaluate',
    `memory must be at least ${total} bytes (${formatBytes(total)}) here, of which ${listed(parts)}, and for ${per} ` +
      `${listed(each)}${hint}`,
    `${bytes} bytes${source}`,
  );
}

function alternatives(all: readonly string[]): string {
  return all.length < 2 ? all.join() : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`;
}

function listed(parts: readonly (readonly [name: string, bytes: number])[]): string {
  return parts
    .filter(([, bytes]) => bytes > 0)
    .map(([name, bytes]) => `${formatBytes(bytes)} ${name}`)
    .join(', ');
}
