import type { EpochRecord } from '../../checkpoint/state.js';

/** How far a trainer is. */
export interface TrainerState {
  /** Steps taken. */
  steps: number;
  /** Epochs begun, over all calls of `fit`. */
  epochs: number;
  /** The figures of the epochs that are over. */
  history: EpochRecord[];
}

/** What the history keeps of an epoch's result. */
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
