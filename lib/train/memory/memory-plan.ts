import { blockKinds } from '../../compile/plan/block-kinds.js';
import type { Plan, Step } from '../../compile/plan/plan.js';
import { at } from '../../graph/at.js';
import { bytesPerElement } from '../../graph/dtype.js';
import { sizeOf } from '../../graph/shapes.js';
import { batchCount, shardRows, trainedSamples } from '../../parallel/protocol/shards.js';
import type { MemoryBudget } from '../../runtime/memory-size.js';
import { atOnceWithin, planWithin } from '../prepare/jobs.js';
import { type KeptPart, keptParts } from '../prepare/mode.js';
import { estimateWithoutBudget, fitBudget, fitInTurn, leastOf } from './memory-budget.js';
import {
  type MemoryEstimate,
  MemoryEstimator,
  type SharedBytes,
  type TrainingWorkload,
  totalOf,
} from './memory-estimator.js';

/** Bytes of one worker, the one that takes the most. */
export interface WorkerMemoryPlan {
  /** Activations that the forward pass keeps for the backward pass, in one arena. */
  readonly kept: number;
  /** Activations that would also be kept without a budget, and are recomputed instead. */
  readonly recomputed: number;
  /** The largest workspace of a kernel, such as a convolution. */
  readonly workspace: number;
  /**
   * One arena: the peak of the live buffers, with the gaps between them. It holds kept and recomputed activations,
   * workspace and intermediate gradients.
   */
  readonly arena: number;
  /** Arenas, one for each of the shards, or units of several, that run at the same time. */
  readonly instances: number;
  /** Loaded samples, and other arrays that plans are given. */
  readonly inputs: number;
  /** Private memory of kernels, descriptions of the steps, constants, and the order of the samples. */
  readonly plans: number;
  /** Sum of arenas, inputs and plans. */
  readonly total: number;
}

/** Memory and cost of training within one budget. */
export interface MemoryPoint {
  /** Total bytes: the budget that this choice needs. */
  readonly bytes: number;
  /** Bytes of the largest arena of a worker. */
  readonly arena: number;
  /** Floating-point operations of a training step that are recomputation. */
  readonly recomputedFlops: number;
}

/** Bytes and floating-point operations of training, computed before any memory is allocated. */
export interface MemoryPlan {
  /** Left out if there is none. */
  readonly budget?: MemoryBudget;
  readonly batchSize: number;
  readonly shards: number;
  readonly workers: number;
  readonly shared: SharedBytes;
  readonly worker: WorkerMemoryPlan;
  /** Bytes of all workers together, without shared memory. */
  readonly perWorkers: number;
  /** Total bytes. */
  readonly peak: number;
  /** Operations of a step: the gradients of all shards, and the update. */
  readonly flops: number;
  /** Those of them that are recomputation. */
  readonly recomputedFlops: number;
  /** Steps of an epoch; NaN for a stream of unknown length. */
  readonly steps: number;
  /** The parts of the model that training keeps in inference; see `Module.freeze`. */
  readonly kept: readonly KeptPart[];
  /** Paths of the trainable parameters that the loss does not depend on. */
  readonly untrained: readonly string[];
  /**
   * Up to ten budgets and their cost, from the one that recomputes nothing to the smallest; one where recomputation saves
   * nothing. Shards run one at a time within them.
   */
  readonly curve: readonly MemoryPoint[];
  /** Plans of the largest shard, or of those that are computed at once: `before` without a budget, `after` as chosen. */
  readonly plans: { readonly before: Plan; readonly after: Plan };
}

/** Number of points of the curve. */
const POINTS = 10;

/** Plans the memory of a training within a budget or, without one, with the quickest plans. */
export function planMemory(workload: TrainingWorkload, budget?: MemoryBudget, samples?: number): MemoryPlan {
  const estimate = budget ? fitBudget(workload, budget) : estimateWithoutBudget(workload);
  const estimator = new MemoryEstimator(workload);
  const { training } = workload;
  const { shards, batchSize, dropLast } = training;
  const workers = estimate.workers.length;
  const { arenaBytes } = estimate.limits;
  const atOnce = [...atOnceWithin(training.atOnce, estimate.limits).plans].sort(([a], [b]) => b - a)[0]?.[1];
  const before = (atOnce ?? estimator.largest.quickest).plan;
  const after = (atOnce ?? planWithin(estimator.largest, arenaBytes)).plan;
  const flops = flopsOf(workload, estimator, estimate);
  const perWorkers = estimate.workers.reduce((sum, one) => sum + totalOf(one), 0);
  return {
    ...(budget ? { budget } : {}),
    ...{ batchSize, shards, workers },
    shared: estimate.shared,
    worker: workerPlan(estimate, before, after),
    perWorkers,
    peak: estimate.total,
    ...flops,
    steps: batchCount(trainedSamples(samples ?? Number.NaN, { batchSize, dropLast }), batchSize),
    kept: keptParts(workload.context.model, workload.context.modes),
    untrained: training.untrained,
    curve: curveOf(workload, estimator, workers),
    plans: { before, after },
  };
}

function workerPlan({ workers }: MemoryEstimate, before: Plan, after: Plan): WorkerMemoryPlan {
  const worker = workers.reduce((most, one) => (totalOf(one) > totalOf(most) ? one : most));
  const kept = keptBytes(after);
  return {
    kept,
    recomputed: Math.max(0, keptBytes(before) - kept),
    workspace: workspaceBytes(after),
    arena: at(worker.arenas, 0),
    instances: worker.arenas.length,
    inputs: worker.inputs,
    plans: worker.plans,
    total: totalOf(worker),
  };
}

/** Bytes that the forward pass keeps in the arena for the backward pass. */
export function keptBytes(plan: Plan): number {
  const kinds = blockKinds(plan);
  return plan.blocks.reduce((sum, { bytes }, i) => (kinds[i] === 'kept' ? sum + bytes : sum), 0);
}

function workspaceBytes({ steps }: Plan): number {
  return Math.max(0, ...steps.map(workspaceOf));
}

function workspaceOf(step: Step): number {
  if ((step.kernel !== 'call' && step.kernel !== 'scan') || !step.workspace) return 0;
  const { dtype, shape } = step.workspace;
  return sizeOf(shape) * bytesPerElement(dtype);
}

/** Operations of a step on a whole batch. */
function flopsOf({ training }: TrainingWorkload, estimator: MemoryEstimator, { limits }: MemoryEstimate) {
  const { plans, batchSize, shards, data } = training;
  const batch = Math.min(batchSize, data.length);
  const all = Array.from({ length: shards }, (_, shard) => shardRows(batch, shards, shard).count)
    .flatMap((rows) => plans.get(rows) ?? [])
    .map((known) => planWithin(known, limits.arenaBytes).plan);
  const updates = estimator.updateOf(limits)?.updates ?? [];
  const updated = updates.map((share) => (share?.update.plan.flops ?? 0) + (share?.squares?.plan.flops ?? 0));
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  return {
    flops: total([...all.map(({ flops }) => flops), ...updated]),
    recomputedFlops: total(all.map(({ recomputedFlops }) => recomputedFlops)),
  };
}

/** Memory and cost of other budgets, with one shard at a time. */
function curveOf(workload: TrainingWorkload, estimator: MemoryEstimator, workers: number): MemoryPoint[] {
  const arenaBytes = estimator.quickestArena(workers);
  const most = estimator.at({ workers, together: 1, arenaBytes }).total;
  const least = leastOf(estimator, workers).total;
  const points = Array.from({ length: POINTS }, (_, i): MemoryPoint => {
    const bytes = Math.max(least, Math.floor(most - ((most - least) * i) / (POINTS - 1)));
    const estimate = fitInTurn(estimator, workers, bytes) as MemoryEstimate;
    const { recomputedFlops } = flopsOf(workload, estimator, estimate);
    const arena = Math.max(...estimate.workers.flatMap(({ arenas }) => arenas));
    return { bytes: estimate.total, arena, recomputedFlops };
  });
  // Budgets that are met by the same plans are one.
  return points.filter(({ bytes }, i) => bytes !== points[i - 1]?.bytes);
}
