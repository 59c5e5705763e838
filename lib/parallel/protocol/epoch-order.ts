import { permutation } from '../../graph/random.js';
import type { EpochStart, EpochStretch, Job, TrainingJob } from './job.js';

/** Number of parts of an epoch that are shuffled differently. */
const PARTS = 2 ** 20;

/** The part of the epoch to train; by default the whole epoch. */
export function partOf({ length }: TrainingJob, { part }: EpochStart): EpochStretch {
  return part ?? { firstStep: 0, start: 0, count: length, firstItem: 0 };
}

/** Training order of the samples of an epoch, or of a part of it, whose entries are at the positions of the part. */
export function orderOf(
  { seed, training }: Pick<Job, 'seed'> & { readonly training: TrainingJob },
  start: EpochStart,
): Int32Array {
  const { length, shuffle } = training;
  if (!start.part) return shuffle ? permutation(length, seed, start.epoch) : inOrder(length);
  const order = inOrder(length);
  if (!shuffle) return order;
  const { start: first, count, firstStep } = start.part;
  // Epochs are far fewer than 2^32, so no part has the order of a whole epoch.
  const key = start.epoch + 2 ** 32 * (1 + (firstStep % PARTS));
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
