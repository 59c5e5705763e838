import type { UsableCores } from '../../parallel/prepare/cores.js';
import type { TrainingJob } from '../../parallel/protocol/job.js';
import type { TrainerOptions } from '../options.js';
import { workersOf } from './jobs.js';

/** Log line with the numbers of workers and shards of a training, and the reason for them. */
export function describeParallelism(
  training: TrainingJob,
  { workers: asked = 'auto', shards: askedShards }: TrainerOptions,
  { cores, reason }: UsableCores,
): string {
  const workers = workersOf(training);
  const { shards } = training;
  const counts = `${counted(workers, 'worker')}, ${counted(shards, 'shard')}`;
  if (asked !== 'auto') return `fit: ${counts}, as asked for${idle(workers, shards)}`;
  if (workers === cores) return `fit: ${counts}, because ${reason}`;
  if (workers !== askedShards) return `fit: ${counts}, because a shard has little work; ${reason}`;
  const few = `there ${shards === 1 ? 'is' : 'are'} ${counted(shards, 'shard')}`;
  return `fit: ${counts}, because ${few}; ${reason}; with shards: ${cores}, all would work`;
}

/** What to do about workers that have no gradients to compute. */
function idle(workers: number, shards: number): string {
  if (workers <= shards) return '';
  return `; ${counted(workers - shards, 'worker')} without a shard: with shards: ${workers}, all would work`;
}

/** Log line for a model that cannot be trained on any last batch that a stream may end with. */
export function describeRefusal({ shards, exchange }: TrainingJob): string {
  // Shards that exchange what they need of the batch have no least size of their own.
  const few = exchange ? 'one sample' : `fewer than ${2 * shards} samples`;
  return `fit: the model cannot be trained on a single sample: a last batch of ${few} is refused, unless dropLast leaves it out`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
