import type { AnyDataset } from '../../data/index.js';
import { stepError } from '../../graph/outcome.js';
import type { Signal } from '../../graph/web-types.js';
import { recordCalls } from '../../health/record.js';
import type { TrainingJob } from '../../parallel/protocol/job.js';
import { now, type Timeline } from '../../parallel/protocol/timeline.js';
import { measureBandwidth, measurePeak } from '../../profile/peak.js';
import type { Profile } from '../../profile/report.js';
import { summarise } from '../../profile/summarise.js';
import type { MemoryBudget } from '../../runtime/memory-size.js';
import { writeScalars } from '../fit/progress.js';
import type { Session } from '../fit/session.js';
import { prepareWithin } from '../memory/prepare-within.js';
import type { JobContext } from '../prepare/compile-job.js';
import { newJob, workersOf } from '../prepare/jobs.js';

/** First steps, which are not counted because they touch memory for the first time. */
export const WARM_UP = 3;

/** Prepares training on the samples of some steps, in the order of the data and again from its start. */
export function prepareProfile(
  context: JobContext,
  data: AnyDataset,
  { steps, batchSize }: { readonly steps: number; readonly batchSize: number },
  budget?: MemoryBudget,
): TrainingJob {
  const wanted = (WARM_UP + steps) * batchSize;
  const samples = data.subset(Array.from({ length: wanted }, (_, i) => i % data.length));
  // With calls recorded, the steps of the plans know their layers.
  const request = { data: samples, options: { batchSize, shuffle: false }, snapshot: true };
  return recordCalls(context.model, () => prepareWithin(budget, context, request)).result.training;
}

/** Trains with clocks, and returns the timeline of each worker. */
export async function recordTraining(
  session: Session,
  training: TrainingJob,
  { optimizer, steps: firstStep }: JobContext & { readonly steps: number },
): Promise<Timeline[]> {
  writeScalars(training, { epoch: 1, firstStep }, optimizer);
  const origin = now();
  const run = session.run((rank) => ({ kind: 'profile', rank, epoch: 1, firstStep, origin }));
  const timelines = await run.catch((error: unknown) => {
    throw stepError('profile', error);
  });
  return timelines.filter((timeline) => timeline !== undefined);
}

/** Checked options of a profile. */
export interface ProfileRequest {
  readonly steps: number;
  readonly signal: Signal | undefined;
}

/** Trains some steps on the threads of a session, and reports where their time went. */
export async function profileIn(
  session: Session,
  context: JobContext & { readonly steps: number },
  training: TrainingJob,
  { signal, steps }: ProfileRequest,
): Promise<Profile> {
  const workers = workersOf(training);
  const peaks = {
    peakGflopsPerSecond: await measurePeak(workers),
    peakGigabytesPerSecond: await measureBandwidth(workers),
  };
  await session.start({ ...newJob({ ...context, workers }), training }, signal);
  const timelines = await recordTraining(session, training, context);
  signal?.throwIfAborted();
  return summarise({ training, timelines, warmUp: WARM_UP, steps, ...peaks });
}
