import { requireKnown } from '../../checkpoint/allowed.js';
import { warn } from '../../checkpoint/errors.js';
import type { TensorSource } from '../../checkpoint/file.js';
import type { Fingerprint } from '../../checkpoint/fingerprint.js';
import {
  type CheckpointOptions,
  type CompleteOptions,
  completeCheckpointOptions,
} from '../../checkpoint/options.js';
import { onSigterm } from '../../checkpoint/sigterm.js';
import type { RunProgress } from '../../checkpoint/state.js';
import { CheckpointStore, type SavedRun } from '../../checkpoint/store.js';
import { inCopies, type RunMemory, StepFigures, sourcesOf } from '../../checkpoint/tensor-sources.js';
import { failed, messageOf } from '../../graph/errors.js';
import type { Signal } from '../../graph/web-types.js';
import type { AnyModule } from '../../nn/module.js';
import { withPreprocessing } from '../../nn/preprocessing.js';
import type { Optimizer } from '../../optim/index.js';
import { type OptimizerMemory, tensorsOf } from '../../parallel/prepare/optimizer-memory.js';
import { Control } from '../../parallel/protocol/control.js';
import type { EpochStart, Job, SharedMemory, TrainingJob } from '../../parallel/protocol/job.js';
import { sharedMemory } from '../../parallel/protocol/shared-memory.js';
import type { EpochResult } from '../options.js';
import { epochSteps } from './epoch-steps.js';
import type { RunFingerprint } from './fingerprint/fingerprint.js';
import type { FitCallbacks } from './fit-callbacks.js';
import { restoreRun } from './restoring.js';
import type { TrainerState } from './trainer-state.js';

/** Longest delay of a timer, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** The state that a call of `fit` saves, and its place in memory. */
interface Run {
  readonly settings: Fingerprint;
  /** Steps of an epoch; undefined for a stream. */
  readonly steps: number | undefined;
  readonly sources: readonly TensorSource[];
  /** The same tensors in the copies that the workers make. */
  readonly copies: readonly TensorSource[];
  readonly training: TrainingJob;
  readonly optimizer: Optimizer;
  readonly model: AnyModule;
  readonly callbacks: FitCallbacks;
}

/** Progress within an epoch before it was resumed. */
type Behind = Pick<RunProgress, 'epochStep' | 'epochSeconds' | 'epochSkippedItems'>;

const NOTHING: Behind = { epochStep: 0, epochSeconds: 0, epochSkippedItems: 0 };

/** An epoch whose figures are not in the history yet. */
interface EpochUnderWay extends Required<Pick<EpochStart, 'epoch' | 'firstStep' | 'startStep' | 'updates'>> {
  /** Its progress before it was resumed. */
  readonly before: Behind;
  readonly began: number;
}

/** The checkpoints of one call of `fit`: the one it resumes from, and those it saves during training and at its end. */
export class Checkpointing {
  readonly #abort = new AbortController();
  readonly #forward = () => this.#abort.abort(this.outer?.reason);
  #start: RunProgress['start'];
  /** The point since which epochs have their number of steps, if that is not the start. */
  #since: RunProgress['since'];
  #run: Run | undefined;
  #control: Control | undefined;
  #epoch: EpochUnderWay | undefined;
  /** Progress already made in the next epoch to start. */
  #behind = NOTHING;
  /** The save of a snapshot that is under way. */
  #saving: Promise<void> | undefined;
  #newest: { readonly key: string; readonly path: string } | undefined;
  /** True if the state in memory must not be saved any more. */
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
    private readonly outer: Signal | undefined,
  ) {
    this.#start = { step: state.steps, epoch: state.epochs };
    outer?.addEventListener('abort', this.#forward);
    if (outer?.aborted) this.#forward();
  }

  /**
   * Opens the directory and looks for a saved run in it.
   *
   * @param outer the caller's signal
   */
  static async open(
    options: CheckpointOptions,
    state: TrainerState,
    outer: Signal | undefined,
  ): Promise<Checkpointing> {
    const complete = completeCheckpointOptions(options);
    const { store, saved } = await CheckpointStore.open(complete, outer as AbortSignal | undefined);
    return new Checkpointing(
      { ...complete, ...(options.onResume ? { onResume: options.onResume } : {}) },
      store,
      saved,
      state,
      outer,
    );
  }

  /** Aborts with the caller's signal, at SIGTERM, and when a failed save ends training. */
  get signal(): Signal {
    return this.#abort.signal;
  }

  /** Number of shards of the saved run, if there is one. */
  get shards(): number | undefined {
    const shards = this.saved?.settings.shards;
    return typeof shards === 'number' ? shards : undefined;
  }

  /** Epochs that the trainer had begun before the run started. */
  get epochsBefore(): number {
    return this.#start.epoch;
  }

  /**
   * Restores the saved run's state into the trainer, and adds the memory for snapshots to the training.
   *
   * @throws (rejects) if the saved run does not fit; then nothing is changed
   */
  async restore(
    memory: RunMemory,
    training: TrainingJob,
    fingerprint: RunFingerprint,
    callbacks: FitCallbacks,
  ): Promise<TrainingJob> {
    const { optimizer } = memory;
    const { allow, everySteps } = this.options;
    const pairs = copiesOf(training, memory.memory);
    const sources = [...sourcesOf(memory), ...callbacks.sources];
    const copies = inCopies(sources, pairs);
    const { saved, state } = this;
    const run = { fingerprint, sources, copies, training, optimizer, state, allow, callbacks };
    if (saved) {
      this.#since = await restoreRun(this.store, saved, run);
      this.#resumed(saved);
    } else requireKnown('fit', 'checkpoint.allow', allow, ['validation', ...Object.keys(fingerprint.of())]);
    const snapshot = { copies: pairs, ...(Number.isFinite(everySteps) ? { everySteps } : {}) };
    const prepared = { ...training, snapshot };
    const steps = epochSteps(training, fingerprint.isStream);
    const settings = fingerprint.of();
    const { model } = memory;
    // What cannot be saved is told before the first step.
    withPreprocessing('fit', model.preprocessing, {});
    this.#run = { settings, steps, sources, copies, training: prepared, optimizer, model, callbacks };
    return prepared;
  }

  #resumed({ path, progress }: SavedRun): void {
    const { start, step, epochs, epochStep } = progress;
    this.#start = start;
    this.#behind = progress;
    this.#newest = { key: keyOf(progress), path };
    this.options.onResume?.({ path, step, epochs, epochStep });
  }

  /** Starts saving; called before the first step. Rejects if nothing can be saved and `onError` is 'throw'. */
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

  /** Starts the next epoch, or resumes the saved one. */
  startEpoch(): EpochStart {
    const before = this.#behind;
    const startStep = before.epochStep;
    this.#behind = NOTHING;
    this.#resting = false;
    this.#epoch = {
      epoch: ++this.state.epochs,
      firstStep: this.state.steps - startStep,
      startStep,
      updates: this.state.updates,
      before,
      began: performance.now(),
    };
    return this.#epoch;
  }

  /** Called when the workers have left an epoch, complete or not, and the trainer's step count is up to date. */
  leaveEpoch(failed: boolean): void {
    // Failed workers may leave an incomplete copy; a snapshot completed earlier is intact.
    if (failed) this.#spoiled = true;
    else this.#control?.completeSnapshot();
    this.#take();
  }

  /** An epoch's figures, including its part before it was resumed. */
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

  /** Resolves when nothing is being saved. */
  async settled(): Promise<void> {
    await this.#saving;
  }

  /** Called when the epoch's figures are in the history and the schedules know of them. */
  finishEpoch(): void {
    this.#epoch = undefined;
  }

  /** Called before the caller gets the figures. After the last epoch, saves the run as finished. */
  async rest(last: boolean): Promise<void> {
    if (last) await this.#saveNow();
    this.#resting = true;
  }

  /**
   * Saves what has not been saved and ends the saving thread, and the process after a SIGTERM without other listeners.
   *
   * @throws (rejects) after a SIGTERM, and if the run cannot be saved
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
    throw failed(
      'ERR_CHAINRULE_SIGTERM',
      'fit',
      `stopped by SIGTERM after step ${this.state.steps}; ${saved}`,
    );
  }

  #terminate(): void {
    this.#terminated = true;
    this.#abort.abort(failed('ERR_CHAINRULE_SIGTERM', 'fit', 'stopped by SIGTERM'));
    // Between two epochs the caller has control, and may never continue its loop.
    if (this.#resting) this.end().catch(() => {});
  }

  async #watch(control: Control): Promise<void> {
    while (!this.#over) {
      await control.snapshotCompleted();
      if (!this.#over) this.#take();
      await this.#saving;
    }
  }

  /** Starts to save a snapshot, if there is a complete one. */
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

  /** Saves the state in memory, while no worker is running. */
  async #saveNow(): Promise<void> {
    await this.#saving;
    const epochStep = this.#epoch ? this.state.steps - this.#epoch.firstStep : 0;
    const progress = this.#progressAt(epochStep);
    if (!this.#run || this.#spoiled || this.#newest?.key === keyOf(progress)) return;
    await this.#save(this.#run.sources, progress).catch((error: unknown) => {
      this.#failed(error);
      if (this.options.onError === 'throw') throw error;
    });
  }

  async #save(sources: readonly TensorSource[], progress: RunProgress): Promise<void> {
    const { settings, training, model } = this.#run as Run;
    const steps = new StepFigures(training, progress.epochStep);
    const path = await this.store.save(
      [...sources, ...steps.sources],
      { settings, progress },
      withPreprocessing('fit', model.preprocessing, {}),
    );
    this.#newest = { key: keyOf(progress), path };
  }

  #failed(error: unknown): void {
    if (this.options.onError === 'warn') {
      warn(messageOf(error));
      return;
    }
    this.#spoiled = true;
    this.#abort.abort(error);
  }

  #progressAt(epochStep: number): RunProgress {
    const { state } = this;
    const epoch = this.#epoch;
    const run = this.#run as Run;
    return {
      start: this.#start,
      ...(run.steps === undefined ? {} : { epochSteps: run.steps }),
      ...(this.#since ? { since: this.#since } : {}),
      step: epoch ? epoch.firstStep + epochStep : state.steps,
      updates: (epoch ?? state).updates,
      epochs: state.epochs - (epoch ? 1 : 0),
      epochStep,
      ...(epoch ? this.#inEpoch(epoch) : { epochSeconds: 0, epochSkippedItems: 0 }),
      schedules: run.optimizer.scheduleStates(),
      history: [...state.history],
      ...(Object.keys(run.callbacks.states).length > 0 ? { callbacks: run.callbacks.states } : {}),
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

/** All memory that training changes, each part paired with new memory for its copy. */
function copiesOf(
  { memory }: TrainingJob,
  optimizer: OptimizerMemory,
): { from: SharedMemory; to: SharedMemory }[] {
  return [memory, ...tensorsOf(optimizer)].map((from) => ({
    from,
    to: sharedMemory(from.dtype, from.elements),
  }));
}
