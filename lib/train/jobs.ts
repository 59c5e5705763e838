import { blocksOf } from '../data/field.js';
import type { Dataset } from '../data/index.js';
import { StreamMemory } from '../data/stream-memory.js';
import { invalid } from '../graph/errors.js';
import type { Shape } from '../graph/shapes.js';
import type { Loss, Metric, Module } from '../nn/index.js';
import type { Optimizer } from '../optim/index.js';
import { Control } from '../parallel/control.js';
import type { FlatParameters } from '../parallel/flat-parameters.js';
import type { BoundPlan, EvaluationJob, Job, TrainingJob } from '../parallel/job.js';
import type { OptimizerMemory } from '../parallel/optimizer-memory.js';
import { compileFigures, outputShape } from '../parallel/plans.js';
import { compileShards } from '../parallel/shard-plans.js';
import { batchCount, shardSizes } from '../parallel/shards.js';
import { sharedBuffer } from '../parallel/shared-memory.js';
import { prepareUpdates } from '../parallel/update-job.js';
import { inMode } from './mode.js';
import type { Figures, FitOptions } from './types.js';

/** What the jobs of a trainer are made from. */
export interface JobContext {
  readonly workers: number;
  /** Parts that each batch is cut into. Default: one for each worker. */
  readonly shards?: number | undefined;
  /** The cores that the trainings of the process share, where the number of workers was left to the trainer. */
  readonly cores?: number | undefined;
  readonly seed: number;
  readonly nice?: number | undefined;
  readonly model: Module;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly parameters: FlatParameters;
  readonly memory: OptimizerMemory;
}

/** Rows of a batch when the caller does not say. */
export const BATCH_SIZE = 32;

/**
 * Floating-point operations of a shard below which sharing the work out costs more than it saves: some 10 microseconds,
 * where two meetings of the workers take 2 to 5, and much more on a machine whose cores have other work, too.
 */
const LEAST_FLOPS = 1e6;

/** A job with nothing to do yet. */
export function newJob({ workers, seed, nice }: Pick<JobContext, 'workers' | 'seed' | 'nice'>): Job {
  const control = new Control();
  for (const step of [0, 1]) control.setActiveAt(step, workers);
  return { workers, seed, nice, control: control.buffer };
}

/** How many workers a training was prepared for. */
export function workersOf({ updates }: TrainingJob): number {
  return updates.length;
}

/** Training on a data set. The model must be in training mode. */
export function prepareTraining(context: JobContext, data: Dataset, options: FitOptions): TrainingJob {
  const { workers, shards = workers, cores } = context;
  const most = cores === undefined ? workers : Math.min(workers, shards);
  const training = shareOut({ ...context, workers: most, shards }, data, options);
  if (cores === undefined || most === 1) return training;
  const flops = Math.max(...[...training.plans.values()].map(({ plan }) => plan.flops));
  if (flops >= LEAST_FLOPS) return training;
  return shareOut({ ...context, workers: 1, shards: context.shards ?? 1 }, data, options);
}

function shareOut(
  context: JobContext & { readonly shards: number },
  data: Dataset,
  options: FitOptions,
): TrainingJob {
  const { workers, shards, parameters, optimizer, loss, model } = context;
  if (parameters.parameters.length === 0) {
    throw invalid('fit', 'at least one parameter of the model must be trainable');
  }
  const { batchSize = BATCH_SIZE, shuffle = true, nonFinite = 'stop' } = options;
  const { length } = data;
  const { inputs, targets } = data.loaded;
  const forward = model.forward.bind(model);
  const sizes = shardSizes(length, batchSize, shards);
  const { plans, assigned } = compileShards(sizes, { forward, loss, inputs, targets, parameters });
  checkTargets(loss, data, () => outputShape(forward, { rows: sizes[0] ?? 1, inputs, targets }));
  const cores = workers > 1 ? context.cores : undefined;
  const mayBeFewer = cores !== undefined;
  const steps = data instanceof StreamMemory ? data.mostSteps : batchCount(length, batchSize);
  return {
    ...samplesOf(data),
    batchSize,
    shuffle,
    shards,
    plans,
    ...prepareUpdates({
      flat: parameters,
      optimizer,
      memory: context.memory,
      assigned,
      shards,
      workers,
      mayBeFewer,
      steps,
    }),
    shardLosses: sharedBuffer('float64', shards),
    losses: sharedBuffer('float64', steps),
    nonFinite,
    ...(cores === undefined ? {} : { cores }),
  };
}

/** The plans for the shards of a batch of so many rows that a training does not have yet. */
export function planRows(
  { model, loss, parameters }: Pick<JobContext, 'model' | 'loss' | 'parameters'>,
  { loaded }: Dataset,
  { plans, shards }: TrainingJob,
  rows: number,
): ReadonlyMap<number, BoundPlan> {
  const missing = shardSizes(rows, rows, shards).filter((size) => !plans.has(size));
  if (missing.length === 0) return new Map();
  // With the others, so that all of them give the same buffers a value.
  const source = { forward: model.forward.bind(model), loss, ...loaded, parameters };
  const all = inMode(model, true, () => compileShards([...plans.keys(), ...missing], source));
  return new Map([...all.plans].filter(([size]) => missing.includes(size)));
}

/** Evaluation of a data set. */
export function prepareEvaluation(
  context: JobContext,
  data: Dataset,
  options: Pick<FitOptions, 'batchSize'>,
): EvaluationJob {
  return inMode(context.model, false, () => compileEvaluation(context, data, options));
}

function compileEvaluation(
  { parameters, loss, metrics, model }: JobContext,
  data: Dataset,
  { batchSize = BATCH_SIZE }: Pick<FitOptions, 'batchSize'>,
): EvaluationJob {
  const { length } = data;
  const { inputs, targets } = data.loaded;
  const forward = model.forward.bind(model);
  const figures = { loss, ...metrics };
  const plans = new Map<number, BoundPlan>();
  for (const rows of shardSizes(length, batchSize, 1)) {
    plans.set(rows, compileFigures(forward, figures, { rows, inputs, targets }, parameters));
  }
  checkTargets(loss, data, () => outputShape(forward, { rows: 1, inputs, targets }));
  const names = Object.keys(figures);
  return {
    ...samplesOf(data),
    batchSize,
    plans,
    figures: names,
    values: sharedBuffer('float64', batchCount(length, batchSize) * names.length),
  };
}

/** What workers have to know of a data set. */
function samplesOf({ inputs, targets, transforms, length }: Dataset) {
  return { samples: { inputs, targets, transforms }, length, skipped: sharedBuffer('int32', 1) };
}

/** Checks targets before anything is trained; those that transforms make of others are checked when they are loaded. */
function checkTargets(loss: Loss, data: Dataset, output: () => Shape): void {
  // Those of a stream are still to come.
  if (data instanceof StreamMemory) return;
  if (!loss.checkTargets || data.loaded.targets.dtype !== data.targets.dtype) return;
  const shape = output();
  for (const block of blocksOf(data.targets)) loss.checkTargets(block, shape);
}

/** The figures of all batches, as means over the samples, added in the order of the batches. */
export function readFigures({ figures, length, batchSize, values }: EvaluationJob): Figures {
  const all = new Float64Array(values);
  const means = figures.map((name, i) => {
    let sum = 0;
    for (let batch = 0; batch < batchCount(length, batchSize); batch++) {
      const count = Math.min(batchSize, length - batch * batchSize);
      sum += count * (all[batch * figures.length + i] as number);
    }
    return [name, sum / length];
  });
  return Object.fromEntries(means) as Figures;
}
