/** A run of neighbouring rows. */
export interface Rows {
  readonly start: number;
  readonly count: number;
}

/** The rows of shard `shard` when `rows` of them are cut into `shards` nearly equal runs. */
export function shardRows(rows: number, shards: number, shard: number): Rows {
  const start = Math.floor((rows * shard) / shards);
  return { start, count: Math.floor((rows * (shard + 1)) / shards) - start };
}

/** The numbers of batches of an epoch; the last one may be smaller. */
export function batchCount(samples: number, batchSize: number): number {
  return Math.ceil(samples / batchSize);
}

/** Every number of rows, above 0, that a shard of the data's batches can have. */
export function shardSizes(samples: number, batchSize: number, shards: number): number[] {
  const sizes = new Set<number>();
  const batches = [Math.min(batchSize, samples), samples % batchSize];
  for (const rows of batches) {
    for (let shard = 0; shard < shards; shard++) sizes.add(shardRows(rows, shards, shard).count);
  }
  sizes.delete(0);
  return [...sizes].sort((a, b) => b - a);
}

/** Whether each shard of so many rows has any. */
export function presentShards(rows: number, shards: number): boolean[] {
  return Array.from({ length: shards }, (_, shard) => shardRows(rows, shards, shard).count > 0);
}
