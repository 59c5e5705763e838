import { blocksOf } from '../../data/field.js';
import type { Dataset } from '../../data/index.js';
import { StreamMemory } from '../../data/stream-memory.js';
import { ChainruleError, invalid } from '../../graph/errors.js';
import type { Shape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { namingLayers } from '../../health/record.js';
import type { Figure, Loss, Metric, Module, Sums } from '../../nn/index.js';
import type { Optimizer } from '../../optim/index.js';
import type { BoundPlanChoices } from '../../parallel/prepare/bound-plan-choices.js';
import { type CompiledFigures, compileFigures } from '../../parallel/prepare/compile-figures.js';
import { outputShape } from '../../parallel/prepare/compile-shard.js';
import { type CompiledShards, compileShards } from '../../parallel/prepare/compile-shards.js';
import type { FlatParameters } from '../../parallel/prepare/flat-parameters.js';
import type { OptimizerMemory } from '../../parallel/prepare/optimizer-memory.js';
import { ofShard } from '../../parallel/protocol/shard-error.js';
import { batchCount, shardSizes } from '../../parallel/protocol/shards.js';
import { namedFigure } from './metrics.js';
import { inInference, type Modes } from './mode.js';
import { inferring, traceBatch } from './trace-batch.js';

/** Figures to report besides the loss, by name. */
export type Metrics = Readonly<Record<string, Metric<Tensor | Sums> | Figure>>;

/** Model, optimiser, memory and settings from which a trainer's jobs are made. */
export interface JobContext {
  readonly workers: number;
  /** Parts that each batch is cut into. Default: one per worker. */
  readonly shards?: number | undefined;
  /** Cores that the trainings of the process share; undefined if the caller set the number of workers. */
  readonly cores?: number | undefined;
  readonly seed: number;
  readonly nice?: number | undefined;
  readonly model: Module;
  /** Modes in which the model is trained. */
  readonly modes: Modes;
  readonly loss: Loss<Tensor | Sums>;
  readonly optimizer: Optimizer;
  readonly metrics: Metrics;
  readonly parameters: FlatParameters;
  readonly memory: OptimizerMemory;
}

/** Default number of rows of a batch. */
export const BATCH_SIZE = 32;

/**
 * Floating-point operations of a shard below which sharing the work costs more than it saves: some 10 microseconds,
 * where two barriers take 2 to 5, and much more on a machine whose cores also have other work.
 */
const LEAST_FLOPS = 1e6;

/** A compiled run over data, without memory yet. */
export interface Compilation {
  readonly data: Dataset;
  readonly batchSize: number;
  /** Plans by the number of rows of a shard. */
  readonly plans: ReadonlyMap<number, BoundPlanChoices>;
}

export interface CompiledTraining extends Compilation, Pick<CompiledShards, 'assigned' | 'kind'> {
  readonly shards: number;
  /** Maximum number of workers. */
  readonly workers: number;
  /** Maximum number of steps of an epoch. */
  readonly steps: number;
  /** Paths of the trainable parameters that the loss does not depend on. */
  readonly untrained: readonly string[];
}

export interface CompiledEvaluation extends Compilation, CompiledFigures {
  readonly figures: readonly string[];
}

/** Compiles training on a data set, and decides how it is shared out. The model must be in its modes for training. */
export function compileTraining(
  context: JobContext,
  data: Dataset,
  batchSize: number = BATCH_SIZE,
): CompiledTraining {
  const { workers, shards = workers, cores } = context;
  const most = cores === undefined ? workers : Math.min(workers, shards);
  const training = shareOut(context, data, { batchSize, workers: most, shards });
  if (cores === undefined || most === 1) return training;
  const flops = Math.max(...[...training.plans.values()].map(({ quickest }) => quickest.plan.flops));
  if (flops >= LEAST_FLOPS) return training;
  return shareOut(context, data, { batchSize, workers: 1, shards: context.shards ?? 1 });
}

function shareOut(
  { parameters, loss, metrics, model, optimizer }: JobContext,
  data: Dataset,
  cut: Pick<CompiledTraining, 'batchSize' | 'workers' | 'shards'>,
): CompiledTraining {
  if (parameters.parameters.length === 0) {
    throw invalid('fit', 'at least one parameter of the model must be trainable');
  }
  const { length } = data;
  const { inputs, targets } = data.loaded;
  const forward = model.forward.bind(model);
  const rows = Math.min(cut.batchSize, length);
  const { outputShape: shape, untrained } = traceBatch({ model, loss, metrics }, { rows, inputs, targets });
  const sizes = shardSizes(length, cut.batchSize, cut.shards);
  const accumulate = optimizer.stages.accumulate ?? 1;
  const compiled = ofShards(rows, sizes, () =>
    namingLayers(model, () =>
      compileShards(sizes, { forward, loss, inputs, targets, parameters, accumulate }),
    ),
  );
  checkTargets(loss, data, () => shape);
  const steps = data instanceof StreamMemory ? data.mostSteps : batchCount(length, cut.batchSize);
  return { ...cut, ...compiled, data, steps, untrained };
}

/** Compiles shards of a batch that fits as a whole. An error says what it was that did not fit. */
function ofShards<R>(rows: number, sizes: readonly number[], compile: () => R): R {
  try {
    return compile();
  } catch (error) {
    throw error instanceof ChainruleError ? ofShard(error, sizes, rows) : error;
  }
}

/** Compiles the evaluation of a data set. */
export function compileEvaluation(
  { parameters, loss, metrics, model }: JobContext,
  data: Dataset,
  batchSize: number = BATCH_SIZE,
): CompiledEvaluation {
  const { inputs, targets } = data.loaded;
  const forward = inferring(model);
  const figures = Object.fromEntries(
    Object.entries({ loss, ...metrics }).map(([name, figure]) => [name, namedFigure(name, figure)]),
  );
  return namingLayers(model, () =>
    inInference(model, () => {
      const sizes = shardSizes(data.length, batchSize, 1);
      const compiled = compileFigures(sizes, { forward, figures, inputs, targets, parameters });
      checkTargets(loss, data, () => outputShape(forward, { rows: 1, inputs, targets }));
      return { data, batchSize, ...compiled, figures: Object.keys(figures) };
    }),
  );
}

/** Checks targets before anything is trained; those that transforms compute are checked when they are loaded. */
function checkTargets(loss: Pick<Loss, 'checkTargets'>, data: Dataset, output: () => Shape): void {
  // The targets of a stream are not there yet.
  if (data instanceof StreamMemory) return;
  if (!loss.checkTargets || data.loaded.targets.dtype !== data.targets.dtype) return;
  const shape = output();
  for (const block of blocksOf(data.targets)) loss.checkTargets(block, shape);
}
