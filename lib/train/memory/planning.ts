import type { AnyDataset, AnyStream } from '../../data/index.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { Signal } from '../../graph/web-types.js';
import { recordCalls } from '../../health/record.js';
import { type MemoryBudget, type MemorySize, memorySize } from '../../runtime/memory-size.js';
import { feedOf } from '../fit/stream-feed.js';
import { type FitOptions, fitKinds } from '../options.js';
import { triedTo } from '../prepare/compile-batches.js';
import { BATCH_SIZE, type JobContext } from '../prepare/compile-job.js';
import { largestThat } from './largest-that.js';
import { findWithin, fitBudget } from './memory-budget.js';
import { MemoryEstimator, type TrainingWorkload } from './memory-estimator.js';
import { type MemoryPlan, planMemory } from './memory-plan.js';
import { workloadOf } from './prepare-within.js';

/**
 * Options of `Trainer.plan`: those of `fit` that its memory depends on. The other options of `fit` may be given as well,
 * so that one object serves both.
 */
export interface PlanOptions
  extends Pick<FitOptions, 'batchSize' | 'dropLast' | 'validation' | 'checkpoint' | 'callbacks'> {
  /** Memory budget. Default: the trainer's, if it has one. */
  readonly memory?: MemorySize;
}

export const planOptions = optionsOf<FitOptions & PlanOptions>({ ...fitKinds, memory: memorySize });

/** Options of `Trainer.pace`; as with `plan`, those of `fit` may be given as well. */
export interface PaceOptions extends PlanOptions {
  /** Ends the measurement within one step. */
  readonly signal?: Signal;
}

export const paceOptions = optionsOf<FitOptions & PaceOptions>({ ...fitKinds, memory: memorySize });

/** Options of `Trainer.maxBatch`; as with `plan`, those of `fit` may be given as well. */
export interface MaxBatchOptions
  extends Pick<FitOptions, 'dropLast' | 'validation' | 'checkpoint' | 'callbacks'> {
  /** Memory budget. Default: the trainer's, or else 'auto'. */
  readonly memory?: MemorySize;
  /** The largest batch to consider. Default: all samples; for a stream of unknown length, 2^20. */
  readonly most?: number;
}

export const maxBatchOptions = optionsOf<FitOptions & MaxBatchOptions>({
  ...fitKinds,
  memory: memorySize,
  most: kinds.count,
});

/** Largest batch to consider for a stream of unknown length. */
const MOST_OF_STREAM = 2 ** 20;

/** Plans the memory of a training. */
export function planTraining(
  context: JobContext,
  data: AnyDataset | AnyStream,
  options: PlanOptions,
  budget: MemoryBudget | undefined,
): MemoryPlan {
  return planMemory(workloadFor(context, data, options), budget, data.length);
}

/**
 * The largest batch that can be trained on within a budget.
 *
 * @throws if not even one sample fits
 */
export function largestBatch(
  context: JobContext,
  data: AnyDataset | AnyStream,
  { most, ...options }: MaxBatchOptions,
  budget: MemoryBudget,
): number {
  const workload = (batchSize: number) => workloadFor(context, data, { ...options, batchSize });
  const full = (batchSize: number) => workloadFor(context, data, { ...options, batchSize, dropLast: true });
  const limit = Math.min(data.length ?? MOST_OF_STREAM, most ?? Number.POSITIVE_INFINITY);
  const found = largestThat(
    // Whether a last batch of this size can be trained on says nothing of larger batches.
    (batchSize) => {
      const tried = triedTo(() => workload(batchSize)) ?? full(batchSize);
      return findWithin(new MemoryEstimator(tried), budget.bytes) !== undefined;
    },
    BATCH_SIZE,
    limit,
  );
  if (found === 0) fitBudget(workload(1), budget);
  const trainable = largestWhere(found, (batchSize) => triedTo(() => workload(batchSize)) !== undefined);
  // Says what is wrong with the last batches of all of them.
  if (trainable === 0) workload(found);
  return trainable;
}

function largestWhere(most: number, holds: (value: number) => boolean): number {
  let value = most;
  while (value > 0 && !holds(value)) value--;
  return value;
}

function workloadFor(
  context: JobContext,
  data: AnyDataset | AnyStream,
  { batchSize = BATCH_SIZE, dropLast = false, validation, checkpoint, callbacks }: PlanOptions,
): TrainingWorkload {
  const samples = feedOf(data, { batchSize, dropLast })?.memory ?? (data as AnyDataset);
  const request = {
    data: samples,
    options: {
      batchSize,
      dropLast,
      ...(validation ? { validation } : {}),
      ...(callbacks ? { callbacks } : {}),
    },
    snapshot: checkpoint !== undefined,
  };
  // With calls recorded, the steps of the plans know their layers.
  return recordCalls(context.model, () => workloadOf(context, request)).result;
}
