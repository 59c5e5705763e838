import type { EpochRecord } from '../../checkpoint/state.js';
import type { UpdateTally } from '../../parallel/protocol/job.js';

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
