import { permutation } from '../../graph/random.js';
import type { EpochStart, EpochStretch, Job, TrainingJob } from './job.js';
import { trainedSamples } from './shards.js';

/** Number of stretches of an epoch that are shuffled differently. */
const STRETCHES = 2 ** 20;

/** The stretch of the epoch to train; by default the whole epoch. */
export function stretchOf(training: TrainingJob, { stretch }: EpochStart): EpochStretch {
  const count = trainedSamples(training.length, training);
  return stretch ?? { firstStep: 0, start: 0, count, firstItem: 0 };
}

/** Training order of the samples of an epoch, or of a stretch of it, whose entries are at its positions. */
export function orderOf(
  { seed, training }: Pick<Job, 'seed'> & { readonly training: TrainingJob },
  start: EpochStart,
): Int32Array {
  const { length, shuffle } = training;
  if (!start.stretch) return shuffle ? permutation(length, seed, start.epoch) : inOrder(length);
  const order = inOrder(length);
  if (!shuffle) return order;
  const { start: first, count, firstStep } = start.stretch;
  // Epochs are far fewer than 2^32, so no stretch has the order of a whole epoch.
  const key = start.epoch + 2 ** 32 * (1 + (firstStep % STRETCHES));
  permutation(count, seed, key).forEach((position, i) => {
    order[first + i] = first + position;
  });
  return order;
}

/** The identity order: 0 to `length - 1`. */
export function inOrder(length: number): Int32Array {
  const order = new Int32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  return order;
}
