import { blockKinds } from '../../compile/plan/block-kinds.js';
import type { Plan, Step } from '../../compile/plan/plan.js';
import { bytesPerElement } from '../../graph/dtype.js';
import { sizeOf } from '../../graph/shapes.js';
import { batchCount, shardRows } from '../../parallel/protocol/shards.js';
import type { MemoryBudget } from '../../runtime/memory-size.js';
import { planWithin } from '../prepare/jobs.js';
import { estimateWithoutBudget, fitBudget, fitInTurn, leastOf } from './memory-budget.js';
import {
  type MemoryEstimate,
  MemoryEstimator,
  type SharedBytes,
  type TrainingWorkload,
  totalOf,
} from './memory-estimator.js';

/** What one worker takes, in bytes; of the one that takes the most. */
export interface WorkerMemoryPlan {
  /** Activations that the forward pass keeps for the backward pass, in one arena. */
  readonly kept: number;
  /** What it would keep besides if memory did not matter, and computes again instead. */
  readonly recomputed: number;
  /** The most that one kernel takes to work in, such as a convolution. */
  readonly workspace: number;
  /** One arena: the most that is alive at a time, and the gaps between. It holds the three of them, and gradients on the way. */
  readonly arena: number;
  /** Arenas, one for each of the shards that run together. */
  readonly instances: number;
  /** Samples that were loaded, and other arrays that plans are given. */
  readonly inputs: number;
  /** What kernels keep for themselves, the descriptions of the steps, constants, and the order of the samples. */
  readonly plans: number;
  /** All of this: arenas, inputs and plans. */
  readonly total: number;
}

/** A choice that a budget gives. */
export interface MemoryPoint {
  /** In all: what this budget would have to be. */
  readonly bytes: number;
  /** Of one worker. */
  readonly arena: number;
  /** Floating-point operations of a training step that compute something again. */
  readonly recomputedFlops: number;
}

/** What training takes, worked out before any of it is taken. Bytes, and floating-point operations. */
export interface MemoryPlan {
  /** Left out where there is none. */
  readonly budget?: MemoryBudget;
  readonly batchSize: number;
  readonly shards: number;
  readonly workers: number;
  readonly shared: SharedBytes;
  readonly worker: WorkerMemoryPlan;
  /** Of all workers together. */
  readonly perWorkers: number;
  /** In all. */
  readonly peak: number;
  /** Operations of a step: the gradients of all shards, and the update. */
  readonly flops: number;
  /** Those of them that compute something again. */
  readonly recomputedFlops: number;
  /** Steps of an epoch; NaN for a stream of unknown length. */
  readonly steps: number;
  /** Ten budgets and what they cost, from the one that recomputes nothing to the smallest. */
  readonly curve: readonly MemoryPoint[];
  /** The plan of the largest shard as it is when memory does not matter, and as it was chosen. */
  readonly plans: { readonly before: Plan; readonly after: Plan };
}

/** Points of the curve. */
const POINTS = 10;

/** Works out what a training takes, within a budget or, where there is none, on the quickest plans. */
export function planMemory(workload: TrainingWorkload, budget?: MemoryBudget, samples?: number): MemoryPlan {
  const estimate = budget ? fitBudget(workload, budget) : estimateWithoutBudget(workload);
  const estimator = new MemoryEstimator(workload);
  const { training } = workload;
  const { shards, batchSize } = training;
  const workers = estimate.workers.length;
  const { arenaBytes } = estimate.limits;
  const before = estimator.largest.quickest.plan;
  const after = planWithin(estimator.largest, arenaBytes).plan;
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
    steps: samples === undefined ? Number.NaN : batchCount(samples, batchSize),
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
    arena: worker.arenas[0] as number,
    instances: worker.arenas.length,
    inputs: worker.inputs,
    plans: worker.plans,
    total: totalOf(worker),
  };
}

/** What the forward pass keeps in the arena for the backward pass. */
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

/** Operations of the step of a whole batch. */
function flopsOf(
  { training }: TrainingWorkload,
  estimator: MemoryEstimator,
  { limits, workers }: MemoryEstimate,
) {
  const { plans, batchSize, shards, data } = training;
  const batch = Math.min(batchSize, data.length);
  const all = Array.from({ length: shards }, (_, shard) => shardRows(batch, shards, shard).count)
    .flatMap((rows) => plans.get(rows) ?? [])
    .map((known) => planWithin(known, limits.arenaBytes).plan);
  const updates = estimator.updateOf(workers.length)?.updates ?? [];
  const updated = updates.map((share) => (share?.update.plan.flops ?? 0) + (share?.squares?.plan.flops ?? 0));
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  return {
    flops: total([...all.map(({ flops }) => flops), ...updated]),
    recomputedFlops: total(all.map(({ recomputedFlops }) => recomputedFlops)),
  };
}

/** What other budgets give, the shards run in turn. */
function curveOf(workload: TrainingWorkload, estimator: MemoryEstimator, workers: number): MemoryPoint[] {
  const arenaBytes = estimator.quickestArena(workers);
  const most = estimator.at({ workers, together: 1, arenaBytes }).total;
  const least = leastOf(estimator, workers).total;
  return Array.from({ length: POINTS }, (_, i) => {
    const bytes = Math.max(least, Math.floor(most - ((most - least) * i) / (POINTS - 1)));
    const estimate = fitInTurn(estimator, workers, bytes) as MemoryEstimate;
    const { recomputedFlops } = flopsOf(workload, estimator, estimate);
    return { bytes: estimate.total, arena: estimate.limits.arenaBytes, recomputedFlops };
  });
}
