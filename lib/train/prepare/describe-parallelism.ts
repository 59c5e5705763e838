import type { UsableCores } from '../../parallel/prepare/cores.js';
import { ENOUGH_SHARDS } from '../../parallel/prepare/default-shards.js';
import type { TrainingJob } from '../../parallel/protocol/job.js';
import { counted } from '../../text/names.js';
import type { TrainerOptions } from '../options.js';
import { workersOf } from './jobs.js';

/** Log line with the numbers of workers and shards of a training, and the reason for them. */
export function describeParallelism(
  training: TrainingJob,
  {
    workers: asked = 'auto',
    shards: askedShards,
    memory,
  }: Pick<TrainerOptions, 'workers' | 'shards' | 'memory'>,
  { cores, reason }: UsableCores,
): string {
  const workers = workersOf(training);
  const { shards } = training;
  const counts = `fit: ${counted(workers, 'worker')}, ${counted(shards, 'shard')}`;
  if (asked !== 'auto') return `${counts}, as asked for${idle(workers, shards)}`;
  if (workers === cores) return `${counts}, because ${reason}`;
  const few =
    memory === undefined ? 'a step has little work' : 'a step has little work, or more do not fit in memory';
  if (workers < shards) return `${counts}, because ${few}; ${reason}`;
  if (askedShards === undefined) {
    const advice = shards < ENOUGH_SHARDS ? '' : allWork(Math.min(cores, training.batchSize), shards);
    return `${counts}, by the rows and the work of a batch; ${reason}${advice}`;
  }
  const given = `there ${shards === 1 ? 'is' : 'are'} ${counted(shards, 'shard')}`;
  return `${counts}, because ${given}; ${reason}${allWork(cores, shards)}`;
}

/** What to do about workers that have no gradients to compute. */
function idle(workers: number, shards: number): string {
  if (workers <= shards) return '';
  return `; ${counted(workers - shards, 'worker')} without a shard${allWork(workers, shards, ':')}`;
}

function allWork(cores: number, shards: number, after = ';'): string {
  return cores > shards ? `${after} with shards: ${cores}, all would work` : '';
}

/** Log line for a model that cannot be trained on any last batch that a stream may end with. */
export function describeRefusal({ shards, exchange }: TrainingJob): string {
  // Shards that exchange what they need of the batch have no least size of their own.
  const few = exchange ? 'one sample' : `fewer than ${2 * shards} samples`;
  return `fit: the model cannot be trained on a single sample: a last batch of ${few} is refused, unless dropLast leaves it out`;
}
