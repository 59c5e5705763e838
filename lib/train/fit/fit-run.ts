import type { RunMemory } from '../../checkpoint/tensor-sources.js';
import type { AnyDataset, AnyStream } from '../../data/index.js';
import type { Signal } from '../../graph/web-types.js';
import type { Optimizer } from '../../optim/index.js';
import { Control } from '../../parallel/protocol/control.js';
import type { BoundPlan, EvaluationJob, Job, TrainingJob } from '../../parallel/protocol/job.js';
import { beginVerdicts } from '../../parallel/protocol/verdicts.js';
import type { FitOptions, Progress } from '../options.js';
import type { JobContext } from '../prepare/compile-job.js';
import { newJob, workersOf } from '../prepare/jobs.js';
import { Checkpointing } from './checkpointing.js';
import { type EpochOutcome, runEpoch } from './epoch-run.js';
import { RunFingerprint } from './fingerprint/fingerprint.js';
import { findNonFiniteState, requireFiniteConstants } from './finite-state.js';
import type { FitCallbacks, StopRequest } from './fit-callbacks.js';
import { Restarts } from './restarts.js';
import type { Session } from './session.js';
import { feedOf, type StreamFeed } from './stream-feed.js';
import { countedAfter, type TrainerState } from './trainer-state.js';

/** Steps whose time is a hundred times or more what it takes to look at the parameters and the optimiser's state. */
const STEPS_UNMEASURED = 100;

/** The arguments of a call of `fit`, completed. */
export interface FitInput {
  readonly options: FitOptions;
  readonly epochs: number;
  /** Samples that workers read: the data set, or the memory that a stream is fed into. */
  readonly samples: AnyDataset;
  /** Fills that memory; undefined for a data set. */
  readonly feed: StreamFeed | undefined;
}

/** Completes the arguments of `fit`, which have been checked. */
export function fitInput(data: AnyDataset | AnyStream, options: FitOptions): FitInput {
  const { epochs = 1 } = options;
  const feed = feedOf(data, options);
  const samples = feed?.memory ?? (data as AnyDataset);
  return { options, epochs, samples, feed };
}

/** Optimiser and callbacks for the epochs of a call. */
export interface EpochHooks {
  readonly optimizer: Optimizer;
  /** Compiles the plans of a stream's last batch, which has fewer rows. */
  readonly planRows: (rows: number, job: TrainedJob) => ReadonlyMap<number, BoundPlan>;
  readonly onProgress: (progress: Progress) => void;
  /** What training changes. */
  readonly memory: RunMemory;
}

export type TrainedJob = Job & { readonly training: TrainingJob };

/**
 * One call of `fit`: its threads, checkpoints and epochs. Order of calls: open, resume, start; then trainEpoch,
 * finishEpoch and rest for each epoch; then end.
 */
export class FitRun {
  readonly restarts: Restarts;
  #checkpoints: Checkpointing | undefined;
  readonly #abort = new AbortController();
  readonly #forward = () => this.#abort.abort(this.input.options.signal?.reason);
  #job: TrainedJob | undefined;
  #lastEpoch = 0;
  /** Number of steps when parameters and state were last looked at. */
  #measuredStep = 0;

  constructor(
    readonly input: FitInput,
    readonly session: Session,
    readonly state: TrainerState,
    log: (line: string) => void,
  ) {
    this.restarts = new Restarts(input.options.restartWorkers ?? 0, log);
  }

  /** Follows the caller's signal, opens the checkpoint directory, if there is one, and finds the run in it. */
  async open(): Promise<void> {
    const { checkpoint, signal } = this.input.options;
    signal?.addEventListener('abort', this.#forward);
    if (signal?.aborted) this.#forward();
    this.#checkpoints = checkpoint && (await Checkpointing.open(checkpoint, this.state, this.#abort.signal));
  }

  /** Number of shards of the checkpoint to resume from. */
  get resumedShards(): number | undefined {
    return this.#checkpoints?.shards;
  }

  /** True if there is a checkpoint to resume from. */
  get resumes(): boolean {
    return this.resumedShards !== undefined;
  }

  /** True if the workers have to copy the state for checkpoints. */
  get snapshots(): boolean {
    return this.#checkpoints !== undefined;
  }

  /** Ends training after the step under way, without an error. */
  stopNow(request: StopRequest): void {
    this.#abort.abort(request);
  }

  /** Aborts with the caller's signal, when a callback ends training at once, at SIGTERM, and when a failure to save ends training. */
  get signal(): Signal | undefined {
    return this.#checkpoints?.signal ?? this.#abort.signal;
  }

  /** Restores the state of the checkpoint, if there is one, and adds the memory for snapshots to the training. */
  async resume(context: JobContext, training: TrainingJob, callbacks: FitCallbacks): Promise<TrainingJob> {
    const { options, samples, feed } = this.input;
    const source = { context, training, options, samples, stream: feed?.stream };
    const resumed = this.#checkpoints
      ? await this.#checkpoints.restore(context, training, new RunFingerprint(source), callbacks)
      : training;
    this.#lastEpoch = (this.#checkpoints?.epochsBefore ?? this.state.epochs) + this.input.epochs;
    return resumed;
  }

  /** Starts the worker threads. */
  async start(context: JobContext, training: TrainingJob, evaluation?: EvaluationJob): Promise<void> {
    const workers = workersOf(training);
    const job = { ...newJob({ ...context, workers }), training, ...(evaluation ? { evaluation } : {}) };
    this.#job = job;
    requireFiniteConstants(context.model);
    beginVerdicts(training, this.state.steps);
    await this.session.start(job, this.signal);
    await this.#checkpoints?.begin(job);
  }

  /** True when all epochs have been trained. */
  get done(): boolean {
    return this.state.epochs >= this.#lastEpoch;
  }

  /** Number of the last epoch. */
  get lastEpoch(): number {
    return this.#lastEpoch;
  }

  get job(): TrainedJob {
    if (!this.#job) throw new RangeError('the call of fit has not started its threads');
    return this.#job;
  }

  /** Trains the next epoch, or the rest of the one that was resumed. Adds its complete steps to the state. */
  async trainEpoch({ planRows, memory, ...hooks }: EpochHooks): Promise<EpochOutcome> {
    const { state, job, session } = this;
    const { feed, options } = this.input;
    const start = this.#checkpoints?.startEpoch() ?? {
      epoch: ++state.epochs,
      firstStep: state.steps,
      updates: state.updates,
    };
    const epochOptions = { ...hooks, restarts: this.restarts, stepTimeout: options.stepTimeout };
    // Of the epoch before, until the workers begin.
    new Control(job.control).stepsDone = start.startStep ?? 0;
    const underWay = { job, start };
    state.underWay = underWay;
    let outcome: EpochOutcome;
    try {
      outcome = feed
        ? await feed.run(session, job, start, {
            ...epochOptions,
            signal: this.signal,
            planRows: (rows) => planRows(rows, job),
          })
        : await runEpoch(session, job, start, epochOptions);
    } finally {
      state.underWay = undefined;
    }
    Object.assign(state, countedAfter(underWay, outcome.done));
    const measured = !outcome.failure && this.#isMeasured();
    const broken = measured
      ? await findNonFiniteState(session, job.training, memory, start.epoch)
      : undefined;
    this.#checkpoints?.leaveEpoch(outcome.failure !== undefined || broken !== undefined);
    if (broken !== undefined)
      return { ...outcome, failure: { error: broken, notFinite: false, damage: undefined } };
    const { result } = outcome;
    return { ...outcome, result: () => this.#checkpoints?.whole(result()) ?? result() };
  }

  /**
   * True if parameters and state are looked at after this epoch: seldom enough to cost nothing, and after the last one.
   * A run that was stopped is not; no checkpoint takes what is not finite.
   */
  #isMeasured(): boolean {
    const { steps } = this.state;
    if (this.signal?.aborted || !(this.done || steps - this.#measuredStep >= STEPS_UNMEASURED)) return false;
    this.#measuredStep = steps;
    return true;
  }

  /** Notes that the figures of the epoch are in the history, so that a resumed run does not report it again. */
  finishEpoch(): void {
    this.#checkpoints?.finishEpoch();
  }

  /** Resolves when no checkpoint is being written. */
  async settled(): Promise<void> {
    await this.#checkpoints?.settled();
  }

  /**
   * Lets checkpoints settle before the caller gets the figures; after the last epoch the finished run is saved.
   *
   * @param stopped true if a callback has made it the last one
   */
  async rest(stopped: boolean): Promise<void> {
    await this.#checkpoints?.rest(this.done || stopped);
  }

  /** Saves what has not been saved. The session's owner ends the threads. */
  async end(): Promise<void> {
    this.input.options.signal?.removeEventListener('abort', this.#forward);
    await this.#checkpoints?.end();
  }
}
