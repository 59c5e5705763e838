import { isMainThread } from 'node:worker_threads';
import { either, listOf } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import { invalid } from '../graph/errors.js';
import { path } from '../io/kinds.js';

/** Checkpoints of a `fit` run, from which it can resume after the process has ended for any reason. */
export interface CheckpointOptions {
  /**
   * Directory of the checkpoints, one per run; created if missing. If it contains a checkpoint, `fit` resumes from the
   * newest intact one, in the middle of an epoch if necessary.
   */
  readonly dir: string;
  /** Number of steps between checkpoints. */
  readonly everySteps?: number;
  /** Minutes between checkpoints. Default 5 if `everySteps` is not given; giving both is an error. */
  readonly everyMinutes?: number;
  /** Number of newest files to keep. Default 3. */
  readonly keep?: number;
  /**
   * Reaction to a failure to save, such as a full disk. 'throw', the default: training stops after the current step,
   * and `fit` rejects. 'warn': a warning each time, and training continues.
   */
  readonly onError?: 'throw' | 'warn';
  /**
   * True if SIGTERM stops training after the current step and saves a checkpoint; `fit` then rejects. If the signal has
   * no other listener, it is raised again, so that the process ends. Default true; always false in a worker thread,
   * which receives no signals.
   */
  readonly sigterm?: boolean;
  /**
   * What to do while another run uses the directory. False, the default: `fit` rejects at once with the code
   * `ERR_CHAINRULE_IN_USE`. True: it waits until the directory is free, or `signal` aborts. A number: it waits for so many
   * milliseconds at most.
   */
  readonly wait?: boolean | number;
  /**
   * False for a file system without locks (`flock`), where nothing then keeps two runs from writing to the directory at
   * once. Default true: `fit` rejects there.
   */
  readonly lock?: boolean;
  /**
   * Names of what may differ from the checkpoint, with all that belongs to them, as `['optimizer.lr', 'data']`: the new
   * values take effect. The error for a run that does not fit its checkpoint has the names. Default none. See
   * docs/checkpoints.md.
   */
  readonly allow?: readonly string[];
  /** Called before training resumes from a checkpoint. */
  readonly onResume?: (from: ResumePoint) => void;
}

export const checkpointOptions = optionsOf<CheckpointOptions>({
  dir: needed(path),
  everySteps: kinds.count,
  everyMinutes: kinds.positive,
  keep: kinds.count,
  onError: kinds.oneOf('throw', 'warn'),
  sigterm: kinds.boolean,
  wait: either(kinds.boolean, kinds.nonNegative),
  lock: kinds.boolean,
  allow: listOf(kinds.string, 'names'),
  onResume: kinds.callback<(from: ResumePoint) => void>(),
});

/** The point from which a run resumes. */
export interface ResumePoint {
  /** Path of the checkpoint. */
  readonly path: string;
  /** Steps taken by the trainer, over all epochs. */
  readonly step: number;
  /** Completed epochs. */
  readonly epochs: number;
  /** Completed steps of the current epoch. */
  readonly epochStep: number;
}

/** Options with their defaults; infinity means never, and of `wait`, for as long as it takes. */
export interface CompleteOptions extends Required<Omit<CheckpointOptions, 'onResume' | 'wait'>> {
  /** Milliseconds. */
  readonly wait: number;
}

const MINUTES = 5;
const KEEP = 3;

/** Applies the defaults to options that have been checked. @throws if two of them exclude each other */
export function completeCheckpointOptions(options: CheckpointOptions): CompleteOptions {
  const { dir, everySteps, everyMinutes, keep = KEEP, onError = 'throw', sigterm = true } = options;
  const { wait = false, lock = true, allow = [] } = options;
  if (everySteps !== undefined && everyMinutes !== undefined) {
    throw invalid('fit: checkpoint', 'either everySteps or everyMinutes may be given, not both');
  }
  return {
    dir,
    everySteps: everySteps ?? Number.POSITIVE_INFINITY,
    everyMinutes: everyMinutes ?? (everySteps === undefined ? MINUTES : Number.POSITIVE_INFINITY),
    keep,
    onError,
    sigterm: sigterm && isMainThread,
    wait: typeof wait === 'number' ? wait : wait ? Number.POSITIVE_INFINITY : 0,
    lock,
    allow,
  };
}
