/** A range of consecutive rows. */
export interface Rows {
  readonly start: number;
  readonly count: number;
}

/** The rows of shard `shard` when `rows` rows are cut into `shards` nearly equal ranges. */
export function shardRows(rows: number, shards: number, shard: number): Rows {
  const start = Math.floor((rows * shard) / shards);
  return { start, count: Math.floor((rows * (shard + 1)) / shards) - start };
}

/** How the samples of an epoch are cut into batches. */
export interface Batching {
  readonly batchSize: number;
  /** True to leave out the samples that do not fill the last batch. */
  readonly dropLast: boolean;
}

/** Number of samples that an epoch trains on. */
export function trainedSamples(samples: number, { batchSize, dropLast }: Batching): number {
  return dropLast ? samples - (samples % batchSize) : samples;
}

/** Number of batches in an epoch; the last one may be smaller. */
export function batchCount(samples: number, batchSize: number): number {
  return Math.ceil(samples / batchSize);
}

/** Distinct positive row counts of the shards of an epoch, in descending order. */
export function shardSizes(samples: number, batchSize: number, shards: number): number[] {
  const sizes = new Set<number>();
  const batches = [Math.min(batchSize, samples), samples % batchSize];
  for (const rows of batches) {
    for (let shard = 0; shard < shards; shard++) sizes.add(shardRows(rows, shards, shard).count);
  }
  sizes.delete(0);
  return [...sizes].sort((a, b) => b - a);
}

/** For each shard of a batch of `rows` rows, true if it has any. */
export function presentShards(rows: number, shards: number): boolean[] {
  return Array.from({ length: shards }, (_, shard) => shardRows(rows, shards, shard).count > 0);
}
