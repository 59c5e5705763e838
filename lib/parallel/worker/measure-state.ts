import { addon } from '../../runtime/addon.js';
import type { TrainingJob } from '../protocol/job.js';
import { shardRows } from '../protocol/shards.js';
import { viewInto } from '../protocol/shared-memory.js';

/** Notes the largest magnitude of one worker's part of the parameters and the optimiser's state. */
export function measureState({ state, stateMagnitudes }: TrainingJob, rank: number, workers: number): void {
  let most = 0;
  for (const memory of state) {
    const { start, count } = shardRows(memory.elements, workers, rank);
    most = Math.max(most, addon().largest(viewInto(memory), start, start + count));
  }
  new Float64Array(stateMagnitudes)[rank] = most;
}
