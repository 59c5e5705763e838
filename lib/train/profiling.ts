import type { Dataset } from '../data/index.js';
import { recordCalls } from '../health/record.js';
import type { TrainingJob } from '../parallel/job.js';
import { now, type Timeline } from '../parallel/recorder.js';
import type { MemoryBudget } from '../runtime/memory-size.js';
import type { JobContext } from './compiled.js';
import { prepareWithin } from './preparation.js';
import { writeScalars } from './progress.js';
import type { Session } from './session.js';

/** Steps before the clocks count: in the first ones, memory is touched for the first time. */
export const WARM_UP = 3;

/** Training on some steps' samples, in the order of the data and again from its start. */
export function prepareProfile(
  context: JobContext,
  data: Dataset,
  { steps, batchSize }: { readonly steps: number; readonly batchSize: number },
  budget?: MemoryBudget,
): TrainingJob {
  const wanted = (WARM_UP + steps) * batchSize;
  const samples = data.subset(Array.from({ length: wanted }, (_, i) => i % data.length));
  // With calls recorded, the steps of the plans know their layers.
  const request = { data: samples, options: { batchSize, shuffle: false }, snapshot: true };
  return recordCalls(context.model, () => prepareWithin(budget, context, request)).result.training;
}

/** Trains with clocks, and gives what each worker wrote down. */
export async function recordTraining(
  session: Session,
  training: TrainingJob,
  { optimizer, steps: firstStep }: JobContext & { readonly steps: number },
): Promise<Timeline[]> {
  writeScalars(training, { epoch: 1, firstStep }, optimizer);
  const origin = now();
  const timelines = await session.run((rank) => ({ kind: 'profile', rank, epoch: 1, firstStep, origin }));
  return timelines.filter((timeline) => timeline !== undefined);
}
