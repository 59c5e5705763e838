import { at } from '../../graph/at.js';
import type { Signal } from '../../graph/web-types.js';
import type { EpochStart, Job, TrainingJob } from '../../parallel/protocol/job.js';
import { trainedSamples } from '../../parallel/protocol/shards.js';
import { BRIEF } from '../../profile/brief.js';
import { runEpoch } from '../fit/epoch-run.js';
import { Restarts } from '../fit/restarts.js';
import type { Session } from '../fit/session.js';
import type { JobContext } from '../prepare/compile-job.js';

/** Speed of training on this machine, measured on some steps. */
export interface Pace {
  /** Wall-clock time of one training step on a whole batch. */
  readonly milliseconds: number;
  readonly examplesPerSecond: number;
  /** Time of one pass over the data, without an evaluation. */
  readonly epochSeconds: number;
  /** Number of steps that were timed. */
  readonly steps: number;
}

/** Milliseconds for which steps are timed; a step that takes longer is timed alone. */
const MEASURED_MS = BRIEF ? 40 : 1200;

/** Milliseconds of a round of steps, long enough to make the cost of its start negligible. */
const ROUND_MS = BRIEF ? 5 : 150;

/** Optimiser, step count and signal of a measurement. */
export interface PaceContext extends Pick<JobContext, 'optimizer'> {
  /** Steps trained before. */
  readonly steps: number;
  readonly signal: Signal | undefined;
}

/**
 * Trains for about a second, in rounds of several steps, and takes the median of the rounds. The first steps, in which
 * memory is touched for the first time, do not count.
 */
export async function measurePace(
  session: Session,
  job: Job & { readonly training: TrainingJob },
  { optimizer, steps: before, signal }: PaceContext,
): Promise<Pace> {
  const { batchSize } = job.training;
  const length = trainedSamples(job.training.length, job.training);
  const rows = Math.min(batchSize, length);
  const most = Math.floor(length / rows);
  const epochOptions = {
    optimizer,
    restarts: new Restarts(0, () => {}),
    stepTimeout: undefined,
    onProgress: () => {},
  };
  let done = 0;
  /** Trains a round of steps and returns the milliseconds per step. */
  const round = async (steps: number): Promise<number> => {
    const stretch = { firstStep: 0, start: 0, count: steps * rows, firstItem: 0 };
    const start: EpochStart = { epoch: 1, firstStep: before + done, stretch };
    const { failure, result } = await runEpoch(session, job, start, epochOptions);
    signal?.throwIfAborted();
    if (failure) throw failure.error;
    done += steps;
    return (1000 * result().seconds) / steps;
  };

  let milliseconds = await round(1);
  if (milliseconds < MEASURED_MS) milliseconds = await round(1);
  const rounds: { readonly milliseconds: number; readonly steps: number }[] = [];
  const end = performance.now() + MEASURED_MS;
  while (rounds.length === 0 || performance.now() + milliseconds < end) {
    const steps = Math.max(1, Math.min(most, Math.round(ROUND_MS / milliseconds)));
    milliseconds = await round(steps);
    rounds.push({ milliseconds, steps });
  }
  const typical = median(rounds.map((one) => one.milliseconds));
  return {
    milliseconds: typical,
    examplesPerSecond: (1000 * rows) / typical,
    epochSeconds: (typical * length) / rows / 1000,
    steps: rounds.reduce((sum, one) => sum + one.steps, 0),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (index: number) => at(sorted, Math.floor(index));
  return (middle((sorted.length - 1) / 2) + middle(sorted.length / 2)) / 2;
}
