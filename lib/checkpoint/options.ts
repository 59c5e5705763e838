import { isMainThread } from 'node:worker_threads';
import { invalid, requireInteger, requireOptions } from '../graph/errors.js';

/** How `fit` saves a run, so that it goes on where it was after the process has ended, in whatever way. */
export interface CheckpointOptions {
  /**
   * Where the files are, one run for each directory. It is made if need be. Where it holds a checkpoint, `fit` goes on from
   * the newest one that is whole, in the middle of an epoch if need be.
   */
  readonly dir: string;
  /** Saves after so many steps. */
  readonly everySteps?: number;
  /** Saves after so many minutes. Default 5, where `everySteps` is not given; only one of them may be. */
  readonly everyMinutes?: number;
  /** Files that are kept, the newest ones. Default 3. */
  readonly keep?: number;
  /**
   * What a failure to save does, as when the disk is full. 'throw', the default: training stops after the step under way, and
   * `fit` rejects. 'warn': a warning each time, and training goes on.
   */
  readonly onError?: 'throw' | 'warn';
  /**
   * Whether SIGTERM stops training after the step under way and saves; `fit` then rejects. Where nobody else listens for the
   * signal it is raised again, so that the process ends. Default true; in a worker thread, which gets no signals, false.
   */
  readonly sigterm?: boolean;
  /** Called before training goes on from a checkpoint. */
  readonly onResume?: (from: ResumePoint) => void;
}

/** Where a run goes on. */
export interface ResumePoint {
  /** The file. */
  readonly path: string;
  /** Steps that the trainer has taken, over all epochs. */
  readonly step: number;
  /** Epochs that are over. */
  readonly epochs: number;
  /** Steps of the epoch under way. */
  readonly epochStep: number;
}

/** Options of which none is missing; infinity stands for never. */
export type CompleteOptions = Required<Omit<CheckpointOptions, 'onResume'>>;

const MINUTES = 5;
const KEEP = 3;

/** @throws when an option is out of range */
export function completeCheckpointOptions(options: CheckpointOptions): CompleteOptions {
  requireOptions('fit: checkpoint', options);
  const { dir, everySteps, everyMinutes, keep = KEEP, onError = 'throw', sigterm = true } = options;
  const op = 'fit: checkpoint';
  if (typeof dir !== 'string' || dir === '') throw invalid(op, 'dir must be the path of a directory', dir);
  if (everySteps !== undefined && everyMinutes !== undefined) {
    throw invalid(op, 'either everySteps or everyMinutes may be given, not both');
  }
  if (everySteps !== undefined) requireInteger(op, 'everySteps', everySteps, { min: 1 });
  if (everyMinutes !== undefined && !(Number.isFinite(everyMinutes) && everyMinutes > 0)) {
    throw invalid(op, 'everyMinutes must be a positive number', everyMinutes);
  }
  requireInteger(op, 'keep', keep, { min: 1 });
  if (onError !== 'throw' && onError !== 'warn') {
    throw invalid(op, "onError must be 'throw' or 'warn'", onError);
  }
  return {
    dir,
    everySteps: everySteps ?? Number.POSITIVE_INFINITY,
    everyMinutes: everyMinutes ?? (everySteps === undefined ? MINUTES : Number.POSITIVE_INFINITY),
    keep,
    onError,
    sigterm: sigterm && isMainThread,
  };
}
