import type { StepJob } from './job.js';
import { presentShards } from './shards.js';

/** Name of the loss among a shard's figures, if it is no result. */
export const LOSS = 'loss';

/** Name of the weight of the loss among a shard's figures. */
export const LOSS_WEIGHT = 'weight of the loss';

/** Sum of the shards' shares of a figure, in shard order; undefined if the function has no such figure. */
export function sumOfShares(
  { rows, shards, shares, figures }: Pick<StepJob, 'rows' | 'shards' | 'shares' | 'figures'>,
  name: string,
): number | undefined {
  const index = figures.indexOf(name);
  if (index < 0) return undefined;
  const all = new Float64Array(shares);
  let sum = 0;
  presentShards(rows, shards).forEach((has, shard) => {
    if (has) sum += all[shard * figures.length + index] as number;
  });
  return sum;
}
