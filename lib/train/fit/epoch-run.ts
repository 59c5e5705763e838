import { ChainruleError, hasCode, messageOf } from '../../graph/errors.js';
import { stepError } from '../../graph/outcome.js';
import type { Optimizer } from '../../optim/index.js';
import { Control } from '../../parallel/protocol/control.js';
import type { EpochStart, Job, TrainingJob } from '../../parallel/protocol/job.js';
import { ShareProgress } from '../../parallel/protocol/share-progress.js';
import { Gate } from '../../runtime/access/gate.js';
import type { EpochResult, Progress } from '../options.js';
import { watchEpoch } from './progress.js';
import type { Restarts } from './restarts.js';
import type { Damage, Session } from './session.js';
import { Watchdog } from './watchdog.js';

/** Optimiser, limits and callback of an epoch. */
export interface EpochOptions {
  readonly optimizer: Optimizer;
  /** Restarts of the workers that are left. */
  readonly restarts: Restarts;
  /** Milliseconds. Default ten minutes. */
  readonly stepTimeout: number | undefined;
  /** Called about ten times a second, and at the end. */
  readonly onProgress: (progress: Progress) => void;
}

/** Long enough for any step; a worker that takes longer is stuck. */
const STEP_TIMEOUT_MS = 600_000;

/** The error that ended an epoch. */
export interface Failure {
  readonly error: unknown;
  readonly notFinite: boolean;
}

/** Steps of an epoch that are done, and its figures or its failure. */
export interface EpochOutcome {
  /** Number of complete steps of the epoch. */
  readonly done: number;
  readonly failure?: Failure & {
    /** Why the parameters cannot be used; undefined if they are those of the last whole step. */
    readonly damage: Damage | undefined;
  };
  /** Start of the part that was trained last. */
  readonly start: EpochStart;
  /** The figures; throws what `onProgress` threw. */
  readonly result: () => EpochResult;
}

/**
 * Trains an epoch, or the rest of one. Workers that fail are restarted and resume at the same step while restarts are
 * left; otherwise a step that they left half updated is finished, so that the parameters are consistent.
 */
export async function runEpoch(
  session: Session,
  job: Job & { training: TrainingJob },
  start: EpochStart,
  { optimizer, restarts, stepTimeout = STEP_TIMEOUT_MS, onProgress }: EpochOptions,
): Promise<EpochOutcome> {
  const control = new Control(job.control);
  const gate = new Gate(job.training.gate);
  const progress = new ShareProgress(job.training.marks);
  let watchdog = new Watchdog(job, stepTimeout);
  const watch = watchEpoch(job, start, optimizer, (report) => {
    const error = watchdog.look();
    if (error) session.kill(error);
    onProgress(report);
  });
  const attempt = async (from: EpochStart, anew = false): Promise<Failure | undefined> => {
    try {
      if (anew) {
        await session.restart();
        gate.reset();
        watchdog = new Watchdog(job, stepTimeout);
      }
      await session.run((rank) => ({ ...from, kind: 'train', rank }));
    } catch (error) {
      return { error, notFinite: hasCode(error, 'ERR_CHAINRULE_NON_FINITE') };
    }
    return undefined;
  };
  /** Resumes with new threads at the first unfinished step. */
  const resume = (): Promise<Failure | undefined> => {
    const { step, begun } = progress.unfinished();
    control.stepsDone = step;
    return attempt({ ...start, startStep: step, finish: begun }, true);
  };
  try {
    let failure = await attempt(start);
    while (failure && !failure.notFinite && restarts.take(failure.error)) failure = await resume();
    if (!failure) return { done: watch.stop(), start, result: watch.result };
    const { step, begun } = progress.unfinished();
    control.stepsDone = step;
    if (begun) {
      control.requestStop();
      if (await resume()) session.tear();
    }
    const { damage } = session;
    if (damage === undefined) gate.open();
    const error = failure.notFinite ? failure.error : withStep(failure.error, start.epoch, step, damage);
    return { done: watch.stop(), failure: { ...failure, error, damage }, start, result: watch.result };
  } finally {
    watch.stop();
  }
}

/** The error of a worker, with the step in which it failed, and the state of the parameters. */
function withStep(cause: unknown, epoch: number, step: number, damage: Damage | undefined): ChainruleError {
  const state = damage === undefined ? 'those of the last whole step' : `not to be used: ${damage}`;
  const message = `${messageOf(cause)}, at epoch ${epoch}, step ${step}. The parameters are ${state}`;
  const { code } = stepError('fit', cause);
  return new ChainruleError('fit', message, message, undefined, { code, cause });
}
