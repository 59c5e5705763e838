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
  if (asked !== 'auto') return `fit: ${counts}, as asked for`;
  if (workers === cores) return `fit: ${counts}, because ${reason}`;
  const few = workers === askedShards ? `there are ${shards} shards` : 'a shard has little work';
  return `fit: ${counts}, because ${few}; ${reason}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
