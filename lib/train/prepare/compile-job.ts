import { columnsOn, nameOn } from '../../data/columns.js';
import { blocksOf } from '../../data/field.js';
import type { AnyDataset } from '../../data/index.js';
import { StreamMemory } from '../../data/stream-memory.js';
import { shape as sampleShape } from '../../graph/arguments/kinds.js';
import { invalid } from '../../graph/errors.js';
import type { Shape } from '../../graph/shapes.js';
import { nameAt, partsOf, type Structure } from '../../graph/structure.js';
import { namingLayers } from '../../health/record.js';
import { type BatchLoss, targetChecks } from '../../nn/losses/batch-loss.js';
import { forwardOf } from '../../nn/model-input.js';
import type { AnyModule } from '../../nn/module.js';
import type { Optimizer } from '../../optim/index.js';
import type { BoundPlanChoices } from '../../parallel/prepare/bound-plan-choices.js';
import { type CompiledFigures, compileFigures } from '../../parallel/prepare/compile-figures.js';
import { outputShapes, type ShardForm, traceGradients } from '../../parallel/prepare/compile-shard.js';
import { type CompiledShards, compileShards } from '../../parallel/prepare/compile-shards.js';
import { cutInto, defaultShards, flopsOf } from '../../parallel/prepare/default-shards.js';
import type { AnyFigure } from '../../parallel/prepare/figure-states.js';
import type { FlatParameters } from '../../parallel/prepare/flat-parameters.js';
import type { OptimizerMemory } from '../../parallel/prepare/optimizer-memory.js';
import { flopsOfProducts } from '../../parallel/prepare/weight-products.js';
import type { ShardsAtOncePlans } from '../../parallel/protocol/job.js';
import { shardsAtOnce } from '../../parallel/protocol/reduction-tree.js';
import { type Batching, batchCount, shardSizes, trainedSamples } from '../../parallel/protocol/shards.js';
import { compileBatches, ofLast, requireFullBatch, restOf, samplesOf, triedTo } from './compile-batches.js';
import { inInference, inModes, type Modes } from './mode.js';
import { namedFigure } from './placed-figures.js';
import { type BatchTrace, inferring, traceBatch, unreadColumn } from './trace-batch.js';

/** Figures to report besides the loss, by name. */
export type Metrics = Readonly<Record<string, AnyFigure>>;

/** Model, optimiser, memory and settings from which a trainer's jobs are made. */
export interface JobContext {
  readonly workers: number;
  /** Parts that each batch is cut into. Default: see `defaultShards`. */
  readonly shards?: number | undefined;
  /** Cores that the trainings of the process share; undefined if the caller set the number of workers. */
  readonly cores?: number | undefined;
  readonly seed: number;
  readonly nice?: number | undefined;
  readonly model: AnyModule;
  /** Modes in which the model is trained. */
  readonly modes: Modes;
  readonly loss: BatchLoss;
  readonly optimizer: Optimizer;
  readonly metrics: Metrics;
  readonly parameters: FlatParameters;
  readonly memory: OptimizerMemory;
}

/** Default number of rows of a batch. */
export const BATCH_SIZE = 32;

/**
 * Floating-point operations of a worker below which sharing the work costs more than it saves: some 10 microseconds,
 * where two barriers take 2 to 5, and much more on a machine whose cores also have other work.
 */
const LEAST_FLOPS = 1e6;

/** A compiled run over data, without memory yet. */
export interface Compilation {
  readonly data: AnyDataset;
  readonly batchSize: number;
  /** Plans by the number of rows of a shard. */
  readonly plans: ReadonlyMap<number, BoundPlanChoices>;
}

export interface CompiledTraining
  extends Compilation,
    Batching,
    Pick<CompiledShards, 'assigned' | 'kind' | 'factors' | 'exchanged'> {
  /** Plans for several shards at once, where a worker has several and gains from it. */
  readonly atOnce: ShardsAtOncePlans<BoundPlanChoices>;
  readonly shards: number;
  /** Maximum number of workers. */
  readonly workers: number;
  /** Maximum number of steps of an epoch. */
  readonly steps: number;
  /** True if all batches have as many rows as the first. */
  readonly onlyFull: boolean;
  /** Paths of the trainable parameters that the loss does not depend on. */
  readonly untrained: readonly string[];
  /** True if the size of the last batch is not known yet, and the model cannot be trained on all that are possible. */
  readonly mayRefuseLast: boolean;
}

export interface CompiledEvaluation extends Compilation, Omit<CompiledFigures, 'read'> {}

/** Compiles training on a data set, and decides how it is shared out. The model must be in its modes for training. */
export function compileTraining(
  context: JobContext,
  data: AnyDataset,
  { batchSize = BATCH_SIZE, dropLast = false }: Partial<Batching>,
): CompiledTraining {
  const { parameters, shards: asked } = context;
  const batching = { batchSize, dropLast };
  requireFullBatch(data, batching);
  if (parameters.parameters.length === 0) {
    throw invalid('fit', 'at least one parameter of the model must be trainable');
  }
  const form = { rows: Math.min(batchSize, trainedSamples(data.length, batching)), forms: data.forms };
  const batch = { ...traceBatch(context, form), form };
  checkTargets(context.loss, data, () => batch.outputShapes);
  const cut = (shards: number) => compileCut(context, data, batch, { ...batching, shards });
  const training = asked === undefined ? cutInto(shardsOf(context, form), cut) : cut(asked);
  const workers = workersFor(context, training);
  const counts = form.rows % training.shards === 0 ? shardsAtOnce(training.shards, workers) : [];
  return { ...training, workers, atOnce: training.atOnce(counts) };
}

/** The number of shards for which none is given. */
function shardsOf({ model, loss, parameters }: JobContext, form: ShardForm): number {
  const whole = { accumulates: false, sharded: false };
  const { shard } = traceGradients(forwardOf('Trainer', model), loss, form, parameters, whole);
  return defaultShards(form.rows, flopsOf([...Object.values(shard.figures), ...shard.gradients]));
}

/** Workers that share the shards, where the caller left the choice: one, if the work would not pay for their meetings. */
function workersFor({ workers, cores }: JobContext, training: CutTraining): number {
  if (cores === undefined) return workers;
  const most = Math.min(workers, training.shards);
  const flopsOfWorker = (flopsOfShard(training) * training.shards) / most;
  return flopsOfWorker >= LEAST_FLOPS * meetingsOf(training) ? most : 1;
}

/** How often workers meet in a step, in pairs of barriers. */
function meetingsOf({ exchanged }: CutTraining): number {
  return 1 + (exchanged?.count ?? 0) / 2;
}

/** Throws unless the model can be trained on the last batch as a whole: its shards do not know how many rows it has. */
export function requireWhole(of: Pick<JobContext, 'model' | 'loss' | 'metrics'>, form: ShardForm): void {
  ofLast({ rows: form.rows, shards: 1 }, () => traceBatch(of, form));
}

/** Floating-point operations of the largest shard, with those of the gradients that the update computes from it. */
function flopsOfShard({ plans, factors }: CutTraining): number {
  const ofShard = Math.max(...[...plans.values()].map(({ quickest }) => quickest.plan.flops));
  return ofShard + (factors ? flopsOfProducts(factors) : 0);
}

/** A batch as a whole. */
interface WholeBatch extends BatchTrace {
  readonly form: ShardForm;
}

/** A training whose shards are not yet shared out. */
type CutTraining = Omit<CompiledTraining, 'workers' | 'atOnce'> & Pick<CompiledShards, 'atOnce'>;

function compileCut(
  { parameters, loss, metrics, model, optimizer }: JobContext,
  data: AnyDataset,
  { form: { rows, forms }, untrained }: WholeBatch,
  cut: Batching & { readonly shards: number },
): CutTraining {
  const { batchSize, dropLast, shards } = cut;
  const length = trainedSamples(data.length, cut);
  const forward = forwardOf('Trainer', model);
  const { accumulate = 1, clipNorm } = optimizer.stages;
  // A gradient that is accumulated, or whose norm is needed before the update, has to be stored.
  const mayVary = data instanceof StreamMemory && !dropLast;
  const factors = accumulate === 1 && clipNorm === undefined ? { rows, shards, mayVary } : undefined;
  const source = { forward, loss, forms, parameters, accumulate, shards, factors };
  const compile = (sizes: readonly number[]) => namingLayers(model, () => compileShards(sizes, source));
  const rest = restOf(data, cut);
  const isStream = data instanceof StreamMemory;
  const compiled = compileBatches({ rows, rest: isStream ? 0 : rest, shards }, compile);
  // A stream may be longer or shorter than it says, so its last batch is only looked at.
  if (isStream && rest > 0) ofLast({ rows: rest, shards }, compile);
  if (rest > 0 && compiled.exchanged) requireWhole({ model, loss, metrics }, { rows: rest, forms });
  const form = { rows: 1, forms };
  const anyRest =
    dropLast || samplesOf(data) !== undefined || triedTo(() => traceBatch({ model, loss, metrics }, form));
  const steps = isStream ? data.mostSteps : batchCount(length, batchSize);
  const onlyFull = dropLast || (!isStream && rest === 0);
  return { ...cut, ...compiled, data, steps, onlyFull, untrained, mayRefuseLast: !anyRest };
}

/** Compiles the evaluation of a data set. */
export function compileEvaluation(
  { parameters, loss, metrics, model, modes }: JobContext,
  data: AnyDataset,
  batchSize: number = BATCH_SIZE,
): CompiledEvaluation {
  const { forms } = data;
  const forward = inferring(model);
  const figures = Object.fromEntries(
    Object.entries({ loss, ...metrics }).map(([name, figure]) => [name, namedFigure(name, figure)]),
  );
  return namingLayers(model, () =>
    inInference(model, () => {
      const sizes = shardSizes(data.length, batchSize, 1);
      const source = { forward, figures, forms, parameters, length: data.length };
      const { read, ...compiled } = compileFigures(sizes, source);
      // What serves training alone is no mistake: a trace of that tells.
      const form = { rows: Math.min(batchSize, data.length), forms };
      if (unreadColumn(forms, read)) inModes(modes, () => traceBatch({ model, loss, metrics }, form));
      checkTargets(loss, data, () => outputShapes(forward, { rows: 1, forms }));
      return { data, batchSize, ...compiled };
    }),
  );
}

/** Checks targets before anything is trained; those that transforms compute are checked when they are loaded. */
function checkTargets(loss: BatchLoss, data: AnyDataset, outputs: () => Structure<Shape>): void {
  // The targets of a stream are not there yet.
  if (data instanceof StreamMemory) return;
  const { columns } = data.source;
  for (const [name, check] of targetChecks(loss)) {
    const column = columnsOn(columns, 'targets').find((one) => nameOn('targets', one) === name) ?? '';
    const field = columns[column];
    if (!field || data.forms[column]?.dtype !== field.dtype) continue;
    const shape = shapeOf(outputs(), name);
    if (shape) for (const block of blocksOf(field)) check(block, shape);
  }
}

/** The shape of the output of a name; of the only one for null. */
function shapeOf(outputs: Structure<Shape>, name: string | null): Shape | undefined {
  const parts = partsOf(outputs, sampleShape);
  return parts.find(([place]) => (place === '' ? name === null : nameAt(place) === name))?.[1];
}
