import { ChainruleError } from '../graph/errors.js';
import type { Optimizer } from '../optim/index.js';
import { Control } from '../parallel/control.js';
import type { EpochStart, Job, TrainingJob } from '../parallel/job.js';
import { ShareProgress } from '../parallel/share-progress.js';
import { lossIsNotFinite } from './inspection.js';
import { watchEpoch } from './progress.js';
import type { Session } from './session.js';
import type { EpochResult, Progress } from './types.js';
import { Watchdog } from './watchdog.js';

/** What an epoch is trained with. */
export interface EpochOptions {
  readonly optimizer: Optimizer;
  /** How often the workers may still be started anew. */
  readonly restarts: RestartBudget;
  /** Milliseconds. */
  readonly stepTimeout: number;
  /** Called about ten times a second, and at the end. */
  readonly onProgress: (progress: Progress) => void;
  readonly log: (line: string) => void;
}

/** Restarts that are left, for all epochs together. */
export interface RestartBudget {
  left: number;
}

/** How an epoch ended. */
export interface EpochOutcome {
  /** Whole steps of the epoch that are done. */
  readonly done: number;
  readonly failure?: { readonly error: unknown; readonly notFinite: boolean };
  /** The figures; throws what `onProgress` threw. */
  readonly result: () => EpochResult;
}

/**
 * Trains an epoch, or the rest of one. When workers fail, they are started anew as often as that is allowed, and go on
 * where they were; else the step that they may have left half updated is finished, so that the parameters are whole.
 */
export async function runEpoch(
  session: Session,
  job: Job & { training: TrainingJob },
  start: EpochStart,
  { optimizer, restarts, stepTimeout, onProgress, log }: EpochOptions,
): Promise<EpochOutcome> {
  const control = new Control(job.control);
  const progress = new ShareProgress(job.training.marks);
  let watchdog = new Watchdog(job, stepTimeout);
  const watch = watchEpoch(job, start, optimizer, (report) => {
    const error = watchdog.look();
    if (error) session.kill(error);
    onProgress(report);
  });
  const attempt = async (from: EpochStart): Promise<{ error: unknown } | undefined> => {
    try {
      await session.run((rank) => ({ ...from, kind: 'train', rank }));
    } catch (error) {
      return { error };
    }
    return undefined;
  };
  const resume = async (): Promise<{ error: unknown } | undefined> => {
    const { step, begun } = progress.unfinished();
    control.stepsDone = step;
    await session.restart();
    watchdog = new Watchdog(job, stepTimeout);
    return attempt({ ...start, startStep: step, finish: begun });
  };
  const isNotFinite = () => lossIsNotFinite(job.training);
  try {
    let failure = await attempt(start);
    while (failure && restarts.left > 0 && !isNotFinite()) {
      restarts.left--;
      log(`fit: the workers are started anew, because ${messageOf(failure.error)}`);
      failure = await resume();
    }
    if (!failure) return { done: watch.stop(), result: watch.result };
    const notFinite = isNotFinite();
    const { step, begun } = progress.unfinished();
    control.stepsDone = step;
    if (begun) {
      control.requestStop();
      await resume();
    }
    const error = notFinite ? failure.error : withStep(failure.error, start.epoch, step);
    return { done: watch.stop(), failure: { error, notFinite }, result: watch.result };
  } finally {
    watch.stop();
  }
}

/** The error of a worker, with the step in which it failed. */
function withStep(error: unknown, epoch: number, step: number): unknown {
  if (!(error instanceof Error)) return error;
  const message = `${error.message}, at epoch ${epoch}, step ${step}. The parameters are those of the last whole step`;
  return new ChainruleError('fit', message, message, undefined, { cause: error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
