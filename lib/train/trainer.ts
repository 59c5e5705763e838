import { debuglog } from 'node:util';
import type { AnyDataset, AnyStream } from '../data/index.js';
import { dataset, datasetOrStream } from '../data/kinds.js';
import { checkMethods, requireArguments, rest } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { invalid } from '../graph/errors.js';
import type { Tensor } from '../graph/tensor.js';
import { namingLayers } from '../health/record.js';
import type { HealthReport } from '../health/report.js';
import type { AnyModule, Module } from '../nn/index.js';
import { module as moduleKind } from '../nn/kinds.js';
import type { Tensors } from '../nn/model-input.js';
import { preprocessed } from '../nn/preprocessing.js';
import { type StateOptions, stateOptions } from '../nn/state/options.js';
import type { State } from '../nn/state/stored-state.js';
import type { Profile } from '../profile/report.js';
import { type CompiledFunction, compile } from '../runtime/compile-function.js';
import { resolveMemory } from '../runtime/memory-size.js';
import {
  type Argument,
  type ArgumentFor,
  argument,
  argumentOrRecord,
  type TensorArgument,
} from '../runtime/traced-results.js';
import { TrainerCore } from './core.js';
import { evaluateIn } from './fit/evaluation.js';
import { fitInput } from './fit/fit-run.js';
import { fitEpochs } from './fit-epochs.js';
import { firstSamples } from './inspect/inspection.js';
import { measurePace, type Pace } from './inspect/pace.js';
import { prepareProfile, profileIn } from './inspect/profiling.js';
import type { MemoryPlan } from './memory/memory-plan.js';
import {
  largestBatch,
  type MaxBatchOptions,
  maxBatchOptions,
  type PaceOptions,
  type PlanOptions,
  paceOptions,
  planOptions,
  planTraining,
} from './memory/planning.js';
import { prepareEvaluation, prepareWithin } from './memory/prepare-within.js';
import {
  type AnyTrainerOptions,
  type EpochRecord,
  type EpochResult,
  type EvaluateOptions,
  evaluateOptions,
  type Figures,
  type FitOptions,
  fitOptions,
  type InspectionOptions,
  inspectionOptions,
  type OutputOf,
  type ProfileOptions,
  type Progress,
  profileOptions,
  type TargetsLike,
  type TrainerOptions,
  trainerOptions,
} from './options.js';
import { BATCH_SIZE } from './prepare/compile-job.js';
import { newJob, workersOf } from './prepare/jobs.js';
import { inInference } from './prepare/mode.js';
import { predicting } from './prepare/trace-batch.js';
import { loadInto, stateKind, stateOf } from './state/load.js';
import { type TrainerLoadOptions, trainerLoadOptions } from './state/options.js';
import type { OptimizerStateDict, WrittenStateDict } from './state/pytorch/dict.js';
import type { TrainerLoadReport } from './state/report.js';

/**
 * Trains a model on worker threads: each batch is cut into shards, by default as its rows and its work suggest, the gradients
 * are averaged in a fixed order, and each worker updates its slice of the shared parameters. The main thread only watches.
 */
export class Trainer<M extends AnyModule = Module, Targets extends object = TargetsLike<OutputOf<M>>> {
  readonly model: M;
  /** Number of threads of `fit` and `evaluate`; with 'auto', `fit` takes one if a step has little work. */
  readonly workers: number;
  readonly #core: TrainerCore;
  readonly #predict: CompiledFunction<readonly TensorArgument[], Tensors>;

  /** @throws if an option is unknown or out of range, or the model has no parameters */
  constructor(model: M, options: TrainerOptions<OutputOf<M>, Targets>, ...surplus: []) {
    requireArguments('Trainer', { model: moduleKind, options: trainerOptions }, [model, options, ...surplus]);
    const { seed = 0, log = debuglog('chainrule'), ...others } = options as AnyTrainerOptions;
    const core = new TrainerCore(model, { ...others, seed }, log);
    this.#core = core;
    this.model = model;
    this.workers = core.workers;
    this.#predict = compile<readonly TensorArgument[], Tensors>(
      (...inputs: readonly TensorArgument[]) => {
        const ready = preprocessed('predict', model, structureOfArguments(inputs));
        return namingLayers(model, () => inInference(core.whole, () => predicting(core.whole)(ready)));
      },
      options.planCache === undefined ? {} : { planCache: options.planCache },
    );
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.#core.state.steps;
  }

  /** The figures of the finished epochs, including those before a checkpoint that `fit` resumed from. */
  get history(): readonly EpochRecord[] {
    return this.#core.state.history;
  }

  /**
   * Trains for some epochs and yields the figures of each when it is done. Leaving the loop early, an abort or an
   * error ends all threads; the parameters stay as the last complete step left them. With the option `checkpoint` it
   * resumes the run in that directory.
   *
   * @throws before anything is trained if the data does not fit the model; the worker's error if one fails; if the loss
   *   or a gradient is not finite, with the op that made the first such value; the signal's reason when it aborts, within
   *   one step
   */
  async *fit(
    data: AnyDataset | AnyStream,
    options: FitOptions = {},
  ): AsyncGenerator<EpochResult, void, undefined> {
    yield* fitEpochs(this.#core, fitInput(data, options));
  }

  /** Pauses the workers after the step under way, until `resume`; a call made meanwhile starts paused. */
  pause(): void {
    this.#core.calls.paused = true;
  }

  /** Ends a pause. */
  resume(): void {
    this.#core.calls.paused = false;
  }

  /** True after `pause`, until `resume`. */
  get paused(): boolean {
    return this.#core.calls.paused;
  }

  /**
   * The progress of the call of `fit` that is under way or comes next, about ten times a second, until that call ends.
   * A slow reader gets only the latest.
   *
   *     for await (const { epoch, step, steps, loss } of trainer.progress()) console.log(epoch, step / steps, loss);
   */
  progress(): AsyncGenerator<Progress, void, undefined> {
    return this.#core.feed.read();
  }

  /**
   * The loss and the metrics over a data set: each is added up over all batches, and divided once. NaN for the mean of
   * nothing, as where no label counts.
   */
  async evaluate(data: AnyDataset, options: EvaluateOptions = {}): Promise<Figures> {
    const { batchSize, signal } = options;
    signal?.throwIfAborted();
    const session = this.#core.calls.enter('evaluate');
    try {
      return await this.#core.memory.reading('evaluate', async () => {
        const prepared = prepareEvaluation(
          this.#core.budget('evaluate'),
          this.#core.context(),
          data,
          batchSize,
        );
        await session.start(prepared, signal);
        const figures = await evaluateIn('evaluate', session, prepared.evaluation);
        signal?.throwIfAborted();
        return figures;
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      await this.#core.calls.leave(session);
    }
  }

  /**
   * The model's output for a batch, with dropout off, on a thread of its own. The model's `preprocessing`, if it has one, is
   * applied to the inputs first.
   *
   * @param inputs what `forward` takes, as tensors or arrays of numbers: `predict(images)`, `predict({ user, item })`
   */
  async predict(...inputs: InputsFor<M>): Promise<OutputOf<M>> {
    return (await this.#predict(...(inputs as Argument[]))) as OutputOf<M>;
  }

  /**
   * Gives back the memory that predictions keep for later ones, once those under way are done. Parameters and the
   * optimiser's state stay, and the trainer works on.
   */
  release(): void {
    this.#predict.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /**
   * Inspects the model on a batch, as `inspect` does: norms of activations and gradients, dead ReLUs, the next updates
   * from the current state of the optimiser, non-finite values, and findings with remedies. Nothing is changed. It may
   * be called between the epochs of `fit`.
   *
   * @param data its first `batchSize` samples are used, in training mode
   */
  async inspect(data: AnyDataset, options: InspectionOptions = {}): Promise<HealthReport> {
    const { batchSize = BATCH_SIZE, thresholds } = options;
    if (!this.#core.calls.busy) this.#core.memory.current();
    return this.#core.inspect(firstSamples(data, batchSize), thresholds);
  }

  /**
   * Times training steps, kernel by kernel, on the training threads: where the time goes by op, by layer and by phase,
   * and how near to the machine's peak each op comes. It trains for these steps, slowed by the clocks; then parameters,
   * buffers and the optimiser's state are restored. `formatProfile` prints the report.
   *
   *     const profile = await trainer.profile(train, { steps: 20, batchSize: 128 });
   *     console.log(formatProfile(profile));
   *     writeFileSync('trace.json', JSON.stringify(profile.trace));
   *
   * @param data its samples are taken in order, and again from the first if there are too few
   * @throws (rejects) as `fit` does
   */
  async profile(data: AnyDataset, options: ProfileOptions = {}): Promise<Profile> {
    const { steps = 10, batchSize = BATCH_SIZE, signal } = options;
    signal?.throwIfAborted();
    this.#core.requireOwnValues('profile');
    const session = this.#core.calls.enter('profile');
    return this.#core.trying('profile', session, async (claim) => {
      const context = { ...this.#core.context(), steps: this.#core.state.steps };
      const training = prepareProfile(context, data, { steps, batchSize }, this.#core.budget('profile'));
      await this.#core.shareWith(training, claim);
      return profileIn(session, context, training, { steps, signal });
    });
  }

  /**
   * Computes what `fit` would take, within the trainer's budget or another, before anything is allocated: bytes by
   * purpose, operations, and the cost of other budgets. Nothing is trained, no thread is started.
   *
   * @throws what `fit` would throw before it trains, for example if the budget is too small
   */
  plan(data: AnyDataset | AnyStream, options: PlanOptions = {}): MemoryPlan {
    return planTraining(this.#core.idleContext(), data, options, this.#core.budget('plan', options.memory));
  }

  /**
   * Measures the time of a step and of an epoch of `fit` on this machine, from steps that are timed for about a second
   * on the training threads. It trains for these steps; then parameters, buffers and the optimiser's state are
   * restored.
   *
   *     console.log(formatPlan(trainer.plan(train, { batchSize }), await trainer.pace(train, { batchSize })));
   *
   * @throws (rejects) as `fit` does before it trains
   */
  async pace(data: AnyDataset, options: PaceOptions = {}): Promise<Pace> {
    const { batchSize = BATCH_SIZE, dropLast = false, validation, checkpoint, memory, signal } = options;
    signal?.throwIfAborted();
    const budget = this.#core.budget('pace', memory);
    this.#core.requireOwnValues('pace');
    const session = this.#core.calls.enter('pace');
    return this.#core.trying('pace', session, async (claim) => {
      const context = { ...this.#core.context(), steps: this.#core.state.steps, signal };
      // A step whose loss is not finite takes as long; reporting it is left to `fit`.
      const run = { batchSize, dropLast, nonFinite: 'skip' as const, ...(validation ? { validation } : {}) };
      const request = { data, options: run, snapshot: checkpoint !== undefined };
      const { training } = prepareWithin(budget, context, request);
      await this.#core.shareWith(training, claim);
      const job = { ...newJob({ ...context, workers: workersOf(training) }), training };
      await session.start(job, signal);
      return measurePace(session, job, context);
    });
  }

  /**
   * The largest batch that `fit` can train on within the trainer's budget or another; one sample more does not fit.
   *
   *     const batchSize = trainer.maxBatch(train, { memory: '512MB' });
   *
   * @throws if not even one sample fits
   */
  maxBatch(data: AnyDataset | AnyStream, options: MaxBatchOptions = {}): number {
    const { memory = this.#core.options.memory ?? 'auto' } = options;
    return largestBatch(this.#core.idleContext(), data, options, resolveMemory('maxBatch', memory));
  }

  /**
   * Runs a function, for example to evaluate or save the model, while its parameters hold their moving averages (see
   * the option `average` of optimisers); then restores their own values. `fit` is refused meanwhile.
   *
   * @throws if the optimiser keeps no averages, or a call of `fit` is under way
   */
  async withAverages<R>(fn: () => R | Promise<R>): Promise<R> {
    const { name, stages } = this.#core.options.optimizer;
    if (stages.average === undefined) throw invalid('withAverages', `${name} needs the option average`);
    if (this.#core.calls.busy)
      throw invalid('withAverages', 'the trainer is busy; wait for the call under way');
    return this.#core.withAverages(fn);
  }

  /**
   * The optimiser's state as PyTorch's `optimizer.state_dict()`, for SGD, Adam, AdamW and RMSprop: without moving averages
   * and the like, which have no place there.
   */
  async state(options: StateOptions & { readonly layout: 'pytorch' }): Promise<WrittenStateDict>;
  /**
   * A copy of all that the trainer needs besides its model to go on: what the optimiser keeps, by name, and how far it is.
   * A new trainer that loads both goes on with the same bits, if its options are the same. During `fit` it is that of one
   * whole step; a trainer that loads it begins with the next epoch.
   *
   *     await io.writeSafetensors('run.safetensors', { ...(await model.state()), ...(await trainer.state()) });
   */
  async state(options?: StateOptions & { readonly layout?: 'chainrule' }): Promise<State>;
  async state(options: StateOptions = {}): Promise<State | WrittenStateDict> {
    return await stateOf(this.#core.stateContext, options);
  }

  /**
   * Loads what `state` has given, or PyTorch's `optimizer.state_dict()` with `layout: 'pytorch'` and the `order` of its
   * parameters. The model is loaded by itself, and the settings of the optimiser stay as they are.
   *
   *     const saved = await io.readTorch('checkpoint.pt');
   *     await model.loadState(saved.model_state_dict, { layout: 'pytorch' });
   *     await trainer.loadState(saved.optimizer_state_dict, { layout: 'pytorch', order: saved.model_state_dict });
   *
   * @returns what did not fit, which with `strict: true`, the default, is an error instead
   * @throws (rejects) if the state is of another optimiser, if names, shapes, dtypes or settings differ, with all that
   *   do, or if a call of the trainer is under way; the trainer is then unchanged
   */
  async loadState(
    state: State | OptimizerStateDict,
    options: TrainerLoadOptions = {},
  ): Promise<TrainerLoadReport> {
    this.#core.requireOwnValues('loadState');
    const session = this.#core.calls.enter('loadState');
    try {
      return await loadInto(this.#core.stateContext, state, options);
    } finally {
      await this.#core.calls.leave(session);
    }
  }
}

/** What `predict` takes for the inputs of a model. */
export type InputsFor<M extends AnyModule> = ArgumentsFor<Parameters<M['forward']>>;

type ArgumentsFor<Inputs extends readonly unknown[]> = { [K in keyof Inputs]: ArgumentFor<Inputs[K]> };

/** Several arguments are a list of inputs. */
function structureOfArguments(inputs: readonly TensorArgument[]): Tensors {
  const [first, ...others] = inputs;
  return first !== undefined && others.length === 0 ? first : (inputs as readonly Tensor[]);
}

checkMethods(Trainer, {
  fit: { data: datasetOrStream, options: optional(fitOptions) },
  pause: {},
  resume: {},
  progress: {},
  evaluate: { data: dataset, options: optional(evaluateOptions) },
  predict: { input: argumentOrRecord, inputs: rest(argument) },
  release: {},
  inspect: { data: dataset, options: optional(inspectionOptions) },
  profile: { data: dataset, options: optional(profileOptions) },
  plan: { data: datasetOrStream, options: optional(planOptions) },
  pace: { data: dataset, options: optional(paceOptions) },
  maxBatch: { data: datasetOrStream, options: optional(maxBatchOptions) },
  withAverages: { fn: kinds.callback() },
  state: { options: optional(stateOptions) },
  loadState: { state: stateKind, options: optional(trainerLoadOptions) },
});
