import { ROWS } from '../protocol/factor-names.js';
import type { FactorLayout } from '../protocol/job.js';
import { shardRows } from '../protocol/shards.js';
import type { BoundExecutable } from './bound-executable.js';

/** Tells a plan that computes gradients from factors how many rows each shard of a batch has. */
export function giveRows(executable: BoundExecutable, { shards }: FactorLayout, rows: number): void {
  const counts = executable.array(ROWS);
  for (let shard = 0; shard < shards; shard++) counts[shard] = shardRows(rows, shards, shard).count;
}
