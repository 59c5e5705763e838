import type { EpochRecord } from '../../checkpoint/state.js';
import { Control } from '../../parallel/protocol/control.js';
import type { EpochStart, Job, TrainingJob, UpdateTally } from '../../parallel/protocol/job.js';
import { UpdateCount } from '../../parallel/protocol/update-count.js';

/** Progress of a trainer over all calls of `fit`. */
export interface TrainerState {
  /** Steps taken. */
  steps: number;
  /** The updates that skipped steps among them left out. */
  updates: UpdateTally;
  /** Epochs begun. */
  epochs: number;
  /** Figures of the finished epochs. */
  history: EpochRecord[];
  /** The epoch whose steps are not counted above yet, while it is being trained. */
  underWay?: EpochUnderWay | undefined;
}

export interface EpochUnderWay {
  readonly job: Job & { readonly training: TrainingJob };
  readonly start: EpochStart;
}

/** Steps and updates with those of the epoch under way: exact while no worker updates. */
export function countedNow({
  steps,
  updates,
  underWay,
}: TrainerState): Pick<TrainerState, 'steps' | 'updates'> {
  return underWay ? countedAfter(underWay, new Control(underWay.job.control).stepsDone) : { steps, updates };
}

/** Steps and updates after so many steps of an epoch. */
export function countedAfter(
  { job, start }: EpochUnderWay,
  done: number,
): Pick<TrainerState, 'steps' | 'updates'> {
  const { training } = job;
  const count = new UpdateCount(training.accumulate, start.updates);
  return { steps: start.firstStep + done, updates: count.noteAll(start.firstStep, done, training).tally };
}

/** The figures of an epoch's result that the history keeps. */
export function recordOf({
  epoch,
  loss,
  seconds,
  examplesPerSecond,
  skippedSteps,
  skippedItems,
  validation,
}: EpochRecord): EpochRecord {
  const figures = { epoch, loss, seconds, examplesPerSecond, skippedSteps, skippedItems };
  return validation ? { ...figures, validation } : figures;
}
