import type { AnyDataset } from '../../data/index.js';
import { invalid } from '../../graph/errors.js';
import { namingLayers } from '../../health/record.js';
import { forwardOf } from '../../nn/model-input.js';
import type { BoundPlanChoices } from '../../parallel/prepare/bound-plan-choices.js';
import { compileShards } from '../../parallel/prepare/compile-shards.js';
import { prepareExchange } from '../../parallel/prepare/exchange.js';
import { tensorsOf } from '../../parallel/prepare/optimizer-memory.js';
import { prepareUpdates } from '../../parallel/prepare/update-job.js';
import { Control } from '../../parallel/protocol/control.js';
import type {
  BoundPlan,
  EvaluationJob,
  Job,
  ShardsAtOncePlans,
  TensorForm,
  TrainingJob,
} from '../../parallel/protocol/job.js';
import { mergePlaces } from '../../parallel/protocol/merge-order.js';
import { batchCount, shardSizes } from '../../parallel/protocol/shards.js';
import { sharedBuffer, sharedMemory } from '../../parallel/protocol/shared-memory.js';
import { Gate } from '../../runtime/access/gate.js';
import { formatBytes } from '../../runtime/memory-size.js';
import type { FitOptions } from '../options.js';
import { ofLast } from './compile-batches.js';
import {
  type CompiledEvaluation,
  type CompiledTraining,
  compileTraining,
  type JobContext,
  requireWhole,
} from './compile-job.js';
import { inModes } from './mode.js';

/** Resources that a job may take. */
export interface ResourceLimits {
  readonly workers: number;
  /** Maximum bytes of an arena; infinite without a budget. */
  readonly arenaBytes: number;
  /** Maximum number of shards of one worker that run together, or at once; left out without a budget. */
  readonly together?: number;
}

/** A job without a training or an evaluation yet. */
export function newJob({ workers, seed, nice }: Pick<JobContext, 'workers' | 'seed' | 'nice'>): Job {
  const control = new Control();
  for (const step of [0, 1]) control.setActiveAt(step, workers);
  return { workers, seed, nice, control: control.buffer };
}

/** Number of workers that a training was prepared for. */
export function workersOf({ updates }: TrainingJob): number {
  return updates.length;
}

/** Prepares training on a data set, without a budget. The model must be in its modes for training. */
export function prepareTraining(context: JobContext, data: AnyDataset, options: FitOptions): TrainingJob {
  const compiled = compileTraining(context, data, options);
  const { workers } = compiled;
  return trainingJob(context, compiled, { workers, arenaBytes: Number.POSITIVE_INFINITY }, options);
}

/** Allocates the memory of a compiled training. */
export function trainingJob(
  context: JobContext,
  {
    data,
    batchSize,
    dropLast,
    shards,
    plans,
    atOnce,
    assigned,
    kind,
    steps,
    factors,
    exchanged,
    onlyFull,
  }: CompiledTraining,
  limits: ResourceLimits,
  { shuffle = true, nonFinite = 'stop' }: FitOptions,
): TrainingJob {
  const { workers, arenaBytes, together } = limits;
  const { parameters: flat, optimizer, memory } = context;
  const cores = workers > 1 ? context.cores : undefined;
  const mayBeFewer = cores !== undefined;
  const several = atOnceWithin(atOnce, limits);
  return {
    ...samplesOf(data),
    batchSize,
    dropLast,
    shuffle,
    shards,
    plans: plansWithin(plans, arenaBytes),
    atOnce: several,
    ...prepareUpdates({
      flat,
      optimizer,
      memory,
      assigned,
      kind,
      shards,
      workers,
      mayBeFewer,
      atOnce: new Set(several.plans.keys()),
      onlyFull,
      apart: exchanged !== undefined,
      steps,
      factors,
    }),
    ...(exchanged && { exchange: prepareExchange(exchanged, shards) }),
    kind,
    shardLosses: sharedBuffer('float64', 2 * shards),
    losses: sharedBuffer('float64', steps),
    ...(kind === 'ratio' ? { weights: sharedBuffer('float64', steps) } : {}),
    nonFinite,
    state: [{ ...flat.memory, elements: flat.trainableElements }, ...tensorsOf(memory)],
    stateMagnitudes: sharedBuffer('float64', workers),
    gate: new Gate().buffer,
    ...(cores === undefined ? {} : { cores }),
    ...(together === undefined ? {} : { together }),
  };
}

/** Plans that a training still lacks for the shards of a batch of `rows` rows, in arenas of at most `arenaBytes`. */
export function planRows(
  { model, modes, loss, parameters }: Pick<JobContext, 'model' | 'modes' | 'loss' | 'parameters'>,
  { forms }: AnyDataset,
  { plans, shards, accumulate, factors, exchange }: TrainingJob,
  { rows, arenaBytes }: { readonly rows: number } & Pick<ResourceLimits, 'arenaBytes'>,
): ReadonlyMap<number, BoundPlan> {
  const isMissing = (size: number) => !plans.has(size);
  if (exchange) inModes(modes, () => requireWhole({ model, loss, metrics: {} }, { rows, forms }));
  if (!shardSizes(rows, rows, shards).some(isMissing)) return new Map();
  // Compiled together with the existing ones, so that all of them assign the same buffers.
  const source = {
    forward: forwardOf('Trainer', model),
    loss,
    forms,
    parameters,
    accumulate,
    shards,
    factors: factors?.layout,
  };
  const all = inModes(modes, () =>
    ofLast({ rows, shards }, (sizes) =>
      namingLayers(model, () => compileShards([...plans.keys(), ...sizes.filter(isMissing)], source)),
    ),
  );
  return plansWithin(new Map([...all.plans].filter(([size]) => isMissing(size))), arenaBytes);
}

/** Allocates the memory for the figures of a compiled evaluation. */
export function evaluationJob(
  { data, batchSize, plans, figures, state, columns, merge, result }: CompiledEvaluation,
  { arenaBytes, workers }: Pick<ResourceLimits, 'arenaBytes' | 'workers'>,
): EvaluationJob {
  return {
    ...samplesOf(data),
    batchSize,
    plans: plansWithin(plans, arenaBytes),
    figures,
    state,
    states: statesOf({ data, batchSize, state }, workers).map(({ dtype, elements }) =>
      sharedMemory(dtype, elements),
    ),
    places: placesOf({ data, batchSize }, workers),
    columns: columns.map(({ dtype, elements }) => ({
      memory: sharedMemory(dtype, data.length * elements),
      rowSize: elements,
    })),
    merge,
    result,
  };
}

/** Places for states that each worker of an evaluation needs. */
function placesOf(
  { data, batchSize }: Pick<CompiledEvaluation, 'data' | 'batchSize'>,
  workers: number,
): number {
  return mergePlaces(Math.ceil(batchCount(data.length, batchSize) / workers));
}

/** The memory for the states of all workers: each tensor for all places. */
export function statesOf(
  { data, batchSize, state }: Pick<CompiledEvaluation, 'data' | 'batchSize' | 'state'>,
  workers: number,
): TensorForm[] {
  const places = workers * placesOf({ data, batchSize }, workers);
  return state.map(({ dtype, elements }) => ({ dtype, elements: places * elements }));
}

/** The quickest of the plans that fit in an arena. Throws if none does. */
export function planWithin(plans: BoundPlanChoices, arenaBytes: number): BoundPlan {
  const { quickest } = plans;
  const bound = quickest.plan.arenaBytes <= arenaBytes ? quickest : plans.within(arenaBytes);
  if (bound) return bound;
  const smallest = formatBytes(plans.smallest.plan.arenaBytes);
  throw invalid(
    'fit',
    `a shard of the last batch needs ${smallest} for activations, and may take`,
    arenaBytes,
  );
}

/** The plans for several shards at once that are used within resource limits: the quickest, where they fit. */
export function atOnceWithin(
  { rows, plans }: CompiledTraining['atOnce'],
  {
    arenaBytes: most = Number.POSITIVE_INFINITY,
    together = Number.POSITIVE_INFINITY,
  }: Partial<ResourceLimits>,
): ShardsAtOncePlans {
  const fits = (count: number, { plan }: BoundPlan) => count <= together && plan.arenaBytes <= most;
  const fitting = [...plans].flatMap(([count, { quickest }]): [number, BoundPlan][] =>
    fits(count, quickest) ? [[count, quickest]] : [],
  );
  return { rows, plans: new Map(fitting) };
}

function plansWithin(
  plans: ReadonlyMap<number, BoundPlanChoices>,
  arenaBytes: number,
): Map<number, BoundPlan> {
  return new Map([...plans].map(([rows, known]) => [rows, planWithin(known, arenaBytes)]));
}

/** The part of a job that describes its data set. */
function samplesOf({ source, length }: AnyDataset) {
  return { samples: source, length, skipped: sharedBuffer('int32', 1) };
}
