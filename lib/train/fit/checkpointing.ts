import { warn } from '../../checkpoint/errors.js';
import type { TensorSource } from '../../checkpoint/file.js';
import { requireSettings, requireTensors } from '../../checkpoint/fits.js';
import {
  type CheckpointOptions,
  type CompleteOptions,
  completeCheckpointOptions,
} from '../../checkpoint/options.js';
import { onSigterm } from '../../checkpoint/sigterm.js';
import type { RunProgress, RunSettings } from '../../checkpoint/state.js';
import { CheckpointStore, type SavedRun } from '../../checkpoint/store.js';
import { inCopies, lossesSource, placesOf, type RunMemory } from '../../checkpoint/tensor-sources.js';
import { invalid } from '../../graph/errors.js';
import type { Optimizer } from '../../optim/index.js';
import { type OptimizerMemory, tensorsOf } from '../../parallel/prepare/optimizer-memory.js';
import { Control } from '../../parallel/protocol/control.js';
import type { EpochStart, Job, SharedMemory, TrainingJob } from '../../parallel/protocol/job.js';
import { sharedMemory } from '../../parallel/protocol/shared-memory.js';
import type { EpochResult } from '../options.js';
import type { TrainerState } from './trainer-state.js';

/** The longest that a timer takes, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** What a call of `fit` saves and where it is. */
interface Run {
  readonly settings: RunSettings;
  readonly places: readonly TensorSource[];
  /** The same in the copies that the workers make. */
  readonly copies: readonly TensorSource[];
  readonly training: TrainingJob;
  readonly optimizer: Optimizer;
}

/** What an epoch under way has behind it. */
type Behind = Pick<RunProgress, 'epochStep' | 'epochSeconds' | 'epochSkippedItems'>;

const NOTHING: Behind = { epochStep: 0, epochSeconds: 0, epochSkippedItems: 0 };

/** An epoch whose figures are not there yet. */
interface EpochUnderWay extends Required<Pick<EpochStart, 'epoch' | 'firstStep' | 'startStep'>> {
  /** What went into it before it was gone on with. */
  readonly before: Behind;
  readonly began: number;
}

/** The checkpoints of one call of `fit`: what it goes on from, and what it saves while it trains and when it ends. */
export class Checkpointing {
  readonly #abort = new AbortController();
  readonly #forward = () => this.#abort.abort(this.outer?.reason);
  #start: RunProgress['start'];
  #run: Run | undefined;
  #control: Control | undefined;
  #epoch: EpochUnderWay | undefined;
  /** What the epoch to begin with has behind it. */
  #behind = NOTHING;
  /** A snapshot that is being saved. */
  #saving: Promise<void> | undefined;
  #newest: { readonly key: string; readonly path: string } | undefined;
  /** Whether what is in memory is not to be saved any more. */
  #spoiled = false;
  #resting = true;
  #terminated = false;
  #over = false;
  #end: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #release = () => {};

  private constructor(
    private readonly options: CompleteOptions & Pick<CheckpointOptions, 'onResume'>,
    private readonly store: CheckpointStore,
    private readonly saved: SavedRun | null,
    private readonly state: TrainerState,
    private readonly outer: AbortSignal | undefined,
  ) {
    this.#start = { step: state.steps, epoch: state.epochs };
    outer?.addEventListener('abort', this.#forward);
    if (outer?.aborted) this.#forward();
  }

  /**
   * Opens the directory, and finds the run in it.
   *
   * @param outer the caller's signal
   */
  static async open(
    options: CheckpointOptions,
    state: TrainerState,
    outer: AbortSignal | undefined,
  ): Promise<Checkpointing> {
    const complete = completeCheckpointOptions(options);
    const { store, saved } = await CheckpointStore.open(complete);
    return new Checkpointing({ ...options, ...complete }, store, saved, state, outer);
  }

  /** Aborts when the caller's signal does, at SIGTERM, and when a failure to save is to end training. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The number of shards of the run in the directory. */
  get shards(): number | undefined {
    return this.saved?.settings.shards;
  }

  /** The trainer's epochs before the run in the directory. */
  get epochsBefore(): number {
    return this.#start.epoch;
  }

  /**
   * Gives the trainer the saved run's state, and the training the memory that its workers copy theirs to.
   *
   * @throws (rejects) when the run does not fit; then nothing is changed
   */
  async restore(memory: RunMemory & { readonly seed: number }, training: TrainingJob): Promise<TrainingJob> {
    const { optimizer } = memory;
    const settings = settingsOf(memory, training);
    const places = placesOf(memory);
    if (this.saved) await this.#load(this.saved, { settings, places, training, optimizer });
    const copies = copiesOf(training, memory.memory);
    const { everySteps } = this.options;
    const snapshot = { copies, ...(Number.isFinite(everySteps) ? { everySteps } : {}) };
    const prepared = { ...training, snapshot };
    this.#run = { settings, places, copies: inCopies(places, copies), training: prepared, optimizer };
    return prepared;
  }

  async #load(saved: SavedRun, run: Omit<Run, 'copies'>): Promise<void> {
    const { path, settings, progress, header } = saved;
    const { state } = this;
    const { start, step, epochs, epochStep, schedules, history } = progress;
    requireSettings(path, settings, run.settings);
    requireTensors(path, header.tensors, run.places);
    if (state.steps !== start.step && state.steps !== step && state.steps !== 0) {
      const expected = `the trainer must be new, or have taken the ${step} steps of the checkpoint ${path}`;
      throw invalid('fit', expected, `${state.steps} steps`);
    }
    run.optimizer.restoreSchedules(schedules);
    const losses = lossesSource(new Float64Array(epochStep));
    await this.store.load(saved, [...run.places, losses]);
    new Float64Array(run.training.losses).set(new Float64Array(losses.buffer));
    Object.assign(state, { steps: step, epochs, history: [...history] });
    this.#start = start;
    this.#behind = progress;
    this.#newest = { key: keyOf(progress), path };
    this.options.onResume?.({ path, step, epochs, epochStep });
  }

  /** Before the first step. Rejects when nothing can be saved and that is to end training. */
  async begin(job: Job): Promise<void> {
    await this.store.probe().catch((error: unknown) => this.#failed(error));
    this.signal.throwIfAborted();
    const control = new Control(job.control);
    this.#control = control;
    if (this.options.sigterm) this.#release = onSigterm(() => this.#terminate());
    const { everyMinutes } = this.options;
    if (Number.isFinite(everyMinutes)) {
      const milliseconds = Math.min(everyMinutes * 60_000, LONGEST);
      this.#timer = setInterval(() => control.requestSnapshot(), milliseconds).unref();
    }
    void this.#watch(control);
  }

  /** Where the next epoch begins, or the one under way goes on. */
  startEpoch(): EpochStart {
    const before = this.#behind;
    const startStep = before.epochStep;
    this.#behind = NOTHING;
    this.#resting = false;
    this.#epoch = {
      epoch: ++this.state.epochs,
      firstStep: this.state.steps - startStep,
      startStep,
      before,
      began: performance.now(),
    };
    return this.#epoch;
  }

  /** The workers have left an epoch, whole or not, and the trainer's steps are counted. */
  leaveEpoch(failed: boolean): void {
    // What failed workers were copying is not whole; what they had copied before is.
    if (failed) this.#spoiled = true;
    else this.#control?.completeSnapshot();
    this.#take();
  }

  /** An epoch's figures, with what went into it before it was gone on with. */
  whole(result: EpochResult): EpochResult {
    const { before = NOTHING } = this.#epoch ?? {};
    if (before.epochStep === 0) return result;
    const seconds = before.epochSeconds + result.seconds;
    const samples = result.examplesPerSecond * result.seconds;
    const samplesBefore = before.epochStep * (this.#run as Run).training.batchSize;
    const examplesPerSecond = (samplesBefore + samples) / seconds;
    const skippedItems = before.epochSkippedItems + result.skippedItems;
    return { ...result, seconds, examplesPerSecond, skippedItems };
  }

  /** The epoch's figures are in the history, and the schedules know of them. */
  finishEpoch(): void {
    this.#epoch = undefined;
  }

  /** Before the caller gets the figures. After the last epoch the run is saved as finished. */
  async rest(last: boolean): Promise<void> {
    if (last) await this.#saveNow();
    this.#resting = true;
  }

  /**
   * Saves what has not been saved, and ends the thread, and the process after a SIGTERM that nobody else listens for.
   *
   * @throws (rejects) after a SIGTERM, and when the run cannot be saved
   */
  end(): Promise<void> {
    this.#end ??= this.#finish();
    return this.#end;
  }

  async #finish(): Promise<void> {
    this.#over = true;
    clearInterval(this.#timer);
    this.outer?.removeEventListener('abort', this.#forward);
    this.#control?.wake();
    try {
      await this.#saving;
      if (this.#control) await this.#saveNow();
    } finally {
      await this.store.end();
      this.#release();
    }
    if (!this.#terminated) return;
    const saved = this.#newest ? `the run goes on from ${this.#newest.path}` : 'nothing was saved';
    throw invalid('fit', `stopped by SIGTERM after step ${this.state.steps}; ${saved}`);
  }

  #terminate(): void {
    this.#terminated = true;
    this.#abort.abort(invalid('fit', 'stopped by SIGTERM'));
    // Between two epochs only the caller could go on, and may not.
    if (this.#resting) this.end().catch(() => {});
  }

  async #watch(control: Control): Promise<void> {
    while (!this.#over) {
      await control.snapshotCompleted();
      if (!this.#over) this.#take();
      await this.#saving;
    }
  }

  /** Begins to save a snapshot, if there is a complete one. */
  #take(): void {
    const [control, run] = [this.#control, this.#run];
    const epochStep = control?.snapshotStep;
    if (!control || !run || epochStep === undefined || this.#saving) return;
    this.#saving = this.#save(run.copies, this.#progressAt(epochStep))
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#saving = undefined;
        control.freeSnapshot();
      });
  }

  /** Saves the state that is in memory, while no worker is at work. */
  async #saveNow(): Promise<void> {
    await this.#saving;
    const epochStep = this.#epoch ? this.state.steps - this.#epoch.firstStep : 0;
    const progress = this.#progressAt(epochStep);
    if (!this.#run || this.#spoiled || this.#newest?.key === keyOf(progress)) return;
    await this.#save(this.#run.places, progress).catch((error: unknown) => {
      this.#failed(error);
      if (this.options.onError === 'throw') throw error;
    });
  }

  async #save(places: readonly TensorSource[], progress: RunProgress): Promise<void> {
    const { settings, training } = this.#run as Run;
    const losses = new Float64Array(training.losses, 0, progress.epochStep);
    const path = await this.store.save([...places, lossesSource(losses)], { settings, progress });
    this.#newest = { key: keyOf(progress), path };
  }

  #failed(error: unknown): void {
    if (this.options.onError === 'warn') {
      warn(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#spoiled = true;
    this.#abort.abort(error);
  }

  #progressAt(epochStep: number): RunProgress {
    const { state } = this;
    const epoch = this.#epoch;
    return {
      start: this.#start,
      step: epoch ? epoch.firstStep + epochStep : state.steps,
      epochs: state.epochs - (epoch ? 1 : 0),
      epochStep,
      ...(epoch ? this.#inEpoch(epoch) : { epochSeconds: 0, epochSkippedItems: 0 }),
      schedules: (this.#run as Run).optimizer.scheduleStates(),
      history: state.history,
    };
  }

  #inEpoch({ before, began }: EpochUnderWay): Omit<Behind, 'epochStep'> {
    const [skipped = 0] = new Int32Array((this.#run as Run).training.skipped);
    return {
      epochSeconds: before.epochSeconds + (performance.now() - began) / 1000,
      epochSkippedItems: before.epochSkippedItems + skipped,
    };
  }
}

function keyOf({ step, epochs }: RunProgress): string {
  return `${step}/${epochs}`;
}

function settingsOf(
  { optimizer: { groups, stages }, seed }: RunMemory & { readonly seed: number },
  { accumulate, shards, batchSize, shuffle, length }: TrainingJob,
): RunSettings {
  const rules = groups.map(({ rule }) => rule.name).join(' and ');
  const optimizer = stages.average === undefined ? rules : `${rules} with average`;
  return { optimizer, accumulate, seed, shards, batchSize, shuffle, length };
}

/** All memory that training changes, and as much for copies of it. */
function copiesOf(
  { memory }: TrainingJob,
  optimizer: OptimizerMemory,
): { from: SharedMemory; to: SharedMemory }[] {
  return [memory, ...tensorsOf(optimizer)].map((from) => ({
    from,
    to: sharedMemory(from.dtype, from.elements),
  }));
}
