import { debuglog } from 'node:util';
import type { AnyDataset, AnyStream } from '../data/index.js';
import { dataset, datasetOrStream } from '../data/kinds.js';
import { checkMethods, requireArguments, rest } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { invalid } from '../graph/errors.js';
import type { Tensor } from '../graph/tensor.js';
import type { HealthThresholds } from '../health/findings.js';
import { namingLayers } from '../health/record.js';
import type { HealthReport } from '../health/report.js';
import type { AnyModule, Module } from '../nn/index.js';
import { module as moduleKind } from '../nn/kinds.js';
import { type BatchLoss, batchLoss } from '../nn/losses/batch-loss.js';
import type { Tensors } from '../nn/model-input.js';
import { preprocessed } from '../nn/preprocessing.js';
import { type StateOptions, stateOptions } from '../nn/state/options.js';
import type { State } from '../nn/state/stored-state.js';
import { type UsableCores, usableCores } from '../parallel/prepare/cores.js';
import { variablesAt } from '../parallel/prepare/flat-parameters.js';
import type { EvaluationJob, TrainingJob } from '../parallel/protocol/job.js';
import type { Profile } from '../profile/report.js';
import type { Claim } from '../runtime/access/claim.js';
import { Gate } from '../runtime/access/gate.js';
import { collectGarbage } from '../runtime/collect-garbage.js';
import { type CompiledFunction, compile } from '../runtime/compile-function.js';
import { type MemoryBudget, resolveMemory } from '../runtime/memory-size.js';
import {
  type Argument,
  type ArgumentFor,
  argument,
  argumentOrRecord,
  type TensorArgument,
} from '../runtime/traced-results.js';
import { firstNames } from '../text/names.js';
import type { FitEnd } from './callbacks/callback.js';
import { Calls } from './fit/calls.js';
import { evaluateIn } from './fit/evaluation.js';
import { type FitActions, FitCallbacks, StopRequest } from './fit/fit-callbacks.js';
import { FitRun, fitInput } from './fit/fit-run.js';
import { ProgressFeed } from './fit/progress-feed.js';
import type { Restarts } from './fit/restarts.js';
import type { Session } from './fit/session.js';
import { recordOf, type TrainerState } from './fit/trainer-state.js';
import {
  firstSamples,
  inspectBatch,
  loadSamples,
  type Samples,
  samplesOf,
  withCulprit,
} from './inspect/inspection.js';
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
import {
  describeBudget,
  type PreparedTraining,
  prepareEvaluation,
  prepareWithin,
} from './memory/prepare-within.js';
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
import { BATCH_SIZE, type Metrics } from './prepare/compile-job.js';
import { describeParallelism, describeRefusal } from './prepare/describe-parallelism.js';
import { withExtras } from './prepare/extra-modules.js';
import { newJob, planRows, type ResourceLimits, workersOf } from './prepare/jobs.js';
import { figuresOf } from './prepare/metrics.js';
import { describeKept, inInference, inModes, keptParts, type Modes, trainingModes } from './prepare/mode.js';
import { inferring } from './prepare/trace-batch.js';
import { TrainerMemory } from './prepare/trainer-memory.js';
import type { StateContext } from './state/context.js';
import { loadInto, stateKind, stateOf } from './state/load.js';
import { type TrainerLoadOptions, trainerLoadOptions } from './state/options.js';
import type { OptimizerStateDict, WrittenStateDict } from './state/pytorch/dict.js';
import type { TrainerLoadReport } from './state/report.js';

/**
 * Trains a model on worker threads: each batch is cut into shards, by default as its rows and its work suggest, the gradients
 * are averaged in a fixed order, and each worker updates its slice of the shared parameters. The main thread only watches.
 */
export class Trainer<M extends AnyModule = Module, Targets extends Tensors = TargetsLike<OutputOf<M>>> {
  readonly model: M;
  /** The model with the extra modules. */
  readonly #whole: AnyModule;
  /** Number of threads of `fit` and `evaluate`; with 'auto', `fit` takes one if a step has little work. */
  readonly workers: number;
  readonly #options: AnyTrainerOptions;
  readonly #loss: BatchLoss;
  readonly #metrics: Metrics;
  readonly #memory: TrainerMemory;
  readonly #predict: CompiledFunction<readonly TensorArgument[], Tensors>;
  readonly #state: TrainerState = {
    steps: 0,
    updates: { missed: 0, contributed: 0 },
    epochs: 0,
    history: [],
  };
  readonly #calls = new Calls();
  readonly #cores: UsableCores;
  readonly #feed = new ProgressFeed();
  /** Modes of the call of `fit` under way, whatever the caller sets meanwhile. */
  #modes: Modes | undefined;
  readonly #log: (line: string) => void;

  /** @throws if an option is unknown or out of range, or the model has no parameters */
  constructor(model: M, given: TrainerOptions<OutputOf<M>, Targets>, ...surplus: []) {
    requireArguments('Trainer', { model: moduleKind, options: trainerOptions }, [model, given, ...surplus]);
    const options: AnyTrainerOptions = given as AnyTrainerOptions;
    const { workers = 'auto', seed = 0, loss, lossWeights, optimizer, metrics } = options;
    this.#log = options.log ?? debuglog('chainrule');
    this.#cores = usableCores();
    this.workers = workers === 'auto' ? this.#cores.cores : workers;
    this.model = model.init(seed);
    this.#whole = withExtras(model, options.extraModules).init(seed);
    this.#options = { ...options, seed };
    this.#loss = batchLoss('Trainer', loss, lossWeights);
    this.#metrics = figuresOf('Trainer', this.#loss, metrics);
    this.#memory = new TrainerMemory(this.#whole, optimizer);
    this.#predict = compile<readonly TensorArgument[], Tensors>(
      (...inputs: readonly TensorArgument[]) => {
        const given = preprocessed('predict', model, structureOfArguments(inputs));
        return namingLayers(model, () => inInference(this.#whole, () => inferring(this.#whole)(given)));
      },
      options.planCache === undefined ? {} : { planCache: options.planCache },
    );
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.#state.steps;
  }

  /** The figures of the finished epochs, including those before a checkpoint that `fit` resumed from. */
  get history(): readonly EpochRecord[] {
    return this.#state.history;
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
    const input = fitInput(data, options);
    options.signal?.throwIfAborted();
    this.#requireOwnValues('fit');
    const session = this.#calls.enter('fit');
    const run = new FitRun(input, session, this.#state, this.#log);
    let claim: Claim | undefined;
    let callbacks: FitCallbacks | undefined;
    let end: FitEnd = { outcome: 'left' };
    try {
      // Before the claim, since it may wait for another run, and readers of the weights are not to wait with it.
      await run.open();
      claim = await this.#memory.claim('fit');
      this.#modes = trainingModes(this.#whole);
      callbacks = new FitCallbacks(options.callbacks ?? [], this.#memory.current());
      const { evaluation, limits, training } = await this.#prepareFit(run, claim, callbacks);
      callbacks.begin(this.#actionsOf(run, claim, evaluation));
      if (!run.done) {
        await run.start(this.#context(this.#memory.inUse()), training, evaluation);
        await this.#shareWith(training, claim);
        await callbacks.start();
      }
      while (!run.done && !callbacks.stopped) {
        await callbacks.epochStart(this.#state.epochs + 1);
        const trained = await this.#trainEpoch(run, limits, claim);
        run.signal?.throwIfAborted();
        const validation = evaluation && (await this.#validateIn(session, evaluation, run.restarts, claim));
        run.signal?.throwIfAborted();
        const health = options.health ? await this.#health(input.samples, options) : undefined;
        const result = { ...trained, ...(validation ? { validation } : {}), ...(health ? { health } : {}) };
        if (callbacks.keepsWeights) await run.settled();
        await callbacks.epochEnd(result);
        run.signal?.throwIfAborted();
        // Nothing may come between these, or a resumed run would report the epoch twice.
        this.#options.optimizer.report(validation?.loss ?? trained.loss);
        this.#state.history.push(recordOf(result));
        callbacks.commit();
        run.finishEpoch();
        await run.rest(callbacks.stopped);
        run.signal?.throwIfAborted();
        claim.rest();
        yield result;
        await this.#memory.resume(claim);
        run.signal?.throwIfAborted();
      }
      end = { outcome: 'completed' };
    } catch (error) {
      if (error instanceof StopRequest) end = { outcome: 'stopped', reason: error.reason };
      else {
        end = { outcome: options.signal?.aborted ? 'left' : 'failed', error };
        throw error;
      }
    } finally {
      try {
        await run.end();
        await callbacks?.end(end);
      } finally {
        this.#modes = undefined;
        this.#feed.end();
        await this.#leave(session, claim);
      }
    }
  }

  /** Pauses the workers after the step under way, until `resume`; a call made meanwhile starts paused. */
  pause(): void {
    this.#calls.paused = true;
  }

  /** Ends a pause. */
  resume(): void {
    this.#calls.paused = false;
  }

  /** True after `pause`, until `resume`. */
  get paused(): boolean {
    return this.#calls.paused;
  }

  /**
   * The progress of the call of `fit` that is under way or comes next, about ten times a second, until that call ends.
   * A slow reader gets only the latest.
   *
   *     for await (const { epoch, step, steps, loss } of trainer.progress()) console.log(epoch, step / steps, loss);
   */
  progress(): AsyncGenerator<Progress, void, undefined> {
    return this.#feed.read();
  }

  /**
   * The loss and the metrics over a data set: each is added up over all batches, and divided once. NaN for the mean of
   * nothing, as where no label counts.
   */
  async evaluate(data: AnyDataset, options: EvaluateOptions = {}): Promise<Figures> {
    const { batchSize, signal } = options;
    signal?.throwIfAborted();
    const session = this.#calls.enter('evaluate');
    try {
      return await this.#memory.reading('evaluate', async () => {
        const prepared = prepareEvaluation(this.#budget('evaluate'), this.#context(), data, batchSize);
        await session.start(prepared, signal);
        const figures = await evaluateIn('evaluate', session, prepared.evaluation);
        signal?.throwIfAborted();
        return figures;
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      await this.#calls.leave(session);
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
    if (!this.#calls.busy) this.#memory.current();
    return this.#inspect(firstSamples(data, batchSize), thresholds);
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
    this.#requireOwnValues('profile');
    const session = this.#calls.enter('profile');
    return this.#trying('profile', session, async (claim) => {
      const context = { ...this.#context(), steps: this.#state.steps };
      const training = prepareProfile(context, data, { steps, batchSize }, this.#budget('profile'));
      await this.#shareWith(training, claim);
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
    return planTraining(this.#idleContext(), data, options, this.#budget('plan', options.memory));
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
    const budget = this.#budget('pace', memory);
    this.#requireOwnValues('pace');
    const session = this.#calls.enter('pace');
    return this.#trying('pace', session, async (claim) => {
      const context = { ...this.#context(), steps: this.#state.steps, signal };
      // A step whose loss is not finite takes as long; reporting it is left to `fit`.
      const run = { batchSize, dropLast, nonFinite: 'skip' as const, ...(validation ? { validation } : {}) };
      const request = { data, options: run, snapshot: checkpoint !== undefined };
      const { training } = prepareWithin(budget, context, request);
      await this.#shareWith(training, claim);
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
    const { memory = this.#options.memory ?? 'auto' } = options;
    return largestBatch(this.#idleContext(), data, options, resolveMemory('maxBatch', memory));
  }

  /**
   * Runs a function, for example to evaluate or save the model, while its parameters hold their moving averages (see
   * the option `average` of optimisers); then restores their own values. `fit` is refused meanwhile.
   *
   * @throws if the optimiser keeps no averages, or a call of `fit` is under way
   */
  async withAverages<R>(fn: () => R | Promise<R>): Promise<R> {
    const { name, stages } = this.#options.optimizer;
    if (stages.average === undefined) throw invalid('withAverages', `${name} needs the option average`);
    if (this.#calls.busy) throw invalid('withAverages', 'the trainer is busy; wait for the call under way');
    return this.#withAverages(fn);
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
    return await stateOf(this.#stateContext, options);
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
    this.#requireOwnValues('loadState');
    const session = this.#calls.enter('loadState');
    try {
      return await loadInto(this.#stateContext, state, options);
    } finally {
      await this.#calls.leave(session);
    }
  }

  get #stateContext(): StateContext {
    const [memory, progress, calls] = [this.#memory, this.#state, this.#calls];
    return {
      model: this.model,
      whole: this.#whole,
      optimizer: this.#options.optimizer,
      memory,
      progress,
      calls,
    };
  }

  /** Before the first update there are no averages yet, so the parameters keep their own values. */
  async #withAverages<R>(fn: () => R | Promise<R>, claim?: Claim): Promise<R> {
    return this.#updates === 0 ? fn() : this.#memory.withAverages(fn, claim);
  }

  /** Runs a call that trains for a while; then parameters, buffers and the optimiser's state are restored. */
  async #trying<R>(op: string, session: Session, task: (claim: Claim) => Promise<R>): Promise<R> {
    let claim: Claim | undefined;
    let restore = () => {};
    try {
      claim = await this.#memory.claim(op);
      restore = this.#memory.keep();
      return await task(claim);
    } finally {
      await this.#leave(session, claim, () => claim?.writing(claim.variables, restore));
    }
  }

  /** Ends the threads of a call that trains, then runs a task, and lets others train. */
  async #leave(
    session: Session,
    claim: Claim | undefined,
    after?: () => void | Promise<void>,
  ): Promise<void> {
    try {
      await this.#calls.leave(session, after);
    } finally {
      if (session.damage !== undefined) claim?.breakUp(session.damage);
      claim?.release();
    }
  }

  /** From now on the threads of a training may write what they train. */
  async #shareWith({ assigned, gate }: TrainingJob, claim: Claim): Promise<void> {
    claim.take(variablesAt(this.#memory.inUse().parameters, assigned));
    await claim.share(new Gate(gate));
  }

  /** Number of updates made so far. */
  get #updates(): number {
    const { steps, updates } = this.#state;
    return this.#options.optimizer.updatesAfter(steps) - updates.missed;
  }

  #budget(op: string, memory = this.#options.memory): MemoryBudget | undefined {
    return memory === undefined ? undefined : resolveMemory(op, memory);
  }

  /** Context of a call that changes nothing; valid also while workers are running. */
  #idleContext() {
    return this.#context(this.#calls.busy ? this.#memory.inUse() : this.#memory.current());
  }

  #context(memory = this.#memory.current()) {
    const { optimizer, seed = 0, nice, shards, workers = 'auto' } = this.#options;
    return {
      workers: this.workers,
      shards,
      cores: workers === 'auto' ? this.#cores.cores : undefined,
      seed,
      nice,
      model: this.#whole,
      modes: this.#modes ?? trainingModes(this.#whole),
      loss: this.#loss,
      optimizer,
      metrics: this.#metrics,
      ...memory,
    };
  }

  /** Compiles the training and its validation within the budget, and resumes from the checkpoint, if there is one. */
  async #prepareFit(run: FitRun, claim: Claim, callbacks: FitCallbacks): Promise<PreparedTraining> {
    const { samples: data, options } = run.input;
    const context = this.#context();
    const { shards = run.resumedShards } = context;
    const budget = this.#budget('fit');
    const request = { data, options, snapshot: run.snapshots };
    const prepared = prepareWithin(budget, { ...context, shards }, request);
    const resume = () => run.resume(context, prepared.training, callbacks);
    const training = run.resumes ? await claim.writing(this.#memory.variables, resume) : await resume();
    if (run.done) return { ...prepared, training };
    this.#log(
      describeParallelism(training, { ...this.#options, ...(shards ? { shards } : {}) }, this.#cores),
    );
    const kept = keptParts(context.model, context.modes);
    if (kept.length > 0) this.#log(`fit: kept in inference: ${describeKept(kept)}`);
    if (prepared.mayRefuseLast) this.#log(describeRefusal(training));
    const { untrained } = prepared;
    if (untrained.length > 0) this.#log(`fit: the loss does not depend on ${firstNames(untrained)}`);
    if (budget && prepared.estimate) this.#log(describeBudget(prepared.estimate, budget));
    if (budget) await collectGarbage();
    return { ...prepared, training };
  }

  /** What the callbacks of a call of `fit` see and do. */
  #actionsOf(run: FitRun, claim: Claim, evaluation: EvaluationJob | undefined): FitActions {
    const [model, state] = [this.model, this.#state];
    const { stages } = this.#options.optimizer;
    const save = (path: string) => model.save(path);
    return {
      view: {
        model,
        figures: ['loss', ...numbersOf(evaluation)],
        epochs: run.lastEpoch,
        get history() {
          return state.history;
        },
        get steps() {
          return state.steps;
        },
        save: (path) =>
          stages.average === undefined ? save(path) : this.#withAverages(() => save(path), claim),
      },
      stopNow: (request) => run.stopNow(request),
      writing: (task) => claim.writing(claim.variables, task),
    };
  }

  /** @throws the failure of a worker; for a loss or gradient that is not finite, with the op that made the first one */
  async #trainEpoch(run: FitRun, limits: ResourceLimits, claim: Claim): Promise<EpochResult> {
    const { samples: data, options } = run.input;
    const outcome = await run.trainEpoch({
      optimizer: this.#options.optimizer,
      planRows: (rows, { training }) =>
        planRows(this.#context(this.#memory.inUse()), data, training, { ...limits, rows }),
      memory: this.#context(this.#memory.inUse()),
      onProgress: (progress) => {
        this.#feed.publish(progress);
        options.onProgress?.(progress);
      },
    });
    const { done, failure, result, start } = outcome;
    if (!failure) return result();
    if (failure.damage !== undefined) claim.breakUp(failure.damage);
    if (!failure.notFinite) throw failure.error;
    const report = await this.#inspect(samplesOf(data, run.job, start, done)).catch(() => null);
    throw withCulprit(failure.error, report);
  }

  #health(data: AnyDataset, { health, batchSize = BATCH_SIZE }: FitOptions): Promise<HealthReport> {
    return this.#inspect(firstSamples(data, batchSize), health === true ? {} : health || {});
  }

  async #inspect(samples: Samples, thresholds: Partial<HealthThresholds> = {}): Promise<HealthReport> {
    const context = {
      ...this.#context(this.#memory.inUse()),
      steps: this.#state.steps,
      updates: this.#updates,
    };
    const batch = await loadSamples(samples, context.seed);
    return inModes(context.modes, () => inspectBatch(context, batch, thresholds));
  }

  /** Evaluates the averaged parameters if the optimiser keeps averages, as these are meant for later use. */
  #validateIn(
    session: Session,
    evaluation: EvaluationJob,
    restarts: Restarts,
    claim: Claim,
  ): Promise<Figures> {
    const evaluate = () => evaluateIn('fit', session, evaluation, restarts);
    const { stages } = this.#options.optimizer;
    return stages.average === undefined ? evaluate() : this.#withAverages(evaluate, claim);
  }

  #requireOwnValues(op: string): void {
    if (!this.#memory.holdsAverages) return;
    throw invalid(op, 'the parameters hold their averages; wait until withAverages is done');
  }
}

/** What `predict` takes for the inputs of a model. */
export type InputsFor<M extends AnyModule> = ArgumentsFor<Parameters<M['forward']>>;

type ArgumentsFor<Inputs extends readonly unknown[]> = { [K in keyof Inputs]: ArgumentFor<Inputs[K]> };

/** The names of an evaluation's figures that are numbers, as callbacks know them. */
function numbersOf(evaluation: EvaluationJob | undefined): string[] {
  const numbers = (evaluation?.figures ?? []).filter(({ shape }) => shape.length === 0);
  return numbers.map(({ name }) => `validation.${name}`);
}

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
  predict: { input: argumentOrRecord, others: rest(argument) },
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
