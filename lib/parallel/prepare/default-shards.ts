import { reachable, type Tensor } from '../../graph/tensor.js';

/** Least operations of a step that is cut at all: some 50 microseconds of a core, which several cores share in half. */
const LEAST_FLOPS = 4e6;

/** Least operations of a shard of a step that is cut into more than two: some 500 microseconds of a core. */
const LEAST_FLOPS_OF_SHARD = 5e7;

/** Shards of a large step; of a larger batch, one for each `ROWS` rows, but no more than `MOST`. */
export const ENOUGH_SHARDS = 16;
const ROWS = 32;
const MOST = 64;

/**
 * The number of shards of a batch for which none is given. It follows from the rows and the operations of a step alone, so
 * that it is the same on every machine. A shard costs time of its own, so a small step is one shard, and a large one has
 * enough for 16 cores, or up to 64 if the batch has many rows: a power of two, or a number near it by which the rows can be
 * shared out evenly.
 *
 * @param rows of the batch
 * @param flops floating-point operations of all gradients of the batch; see `flopsOf`
 */
export function defaultShards(rows: number, flops: number): number {
  if (flops < LEAST_FLOPS) return 1;
  const most = Math.min(MOST, Math.max(ENOUGH_SHARDS, rows / ROWS), rows);
  const least = powerOfTwo(Math.min(most, Math.max(2, flops / LEAST_FLOPS_OF_SHARD)));
  const divides = (shards: number) => rows % shards === 0;
  for (let shards = least; shards < Math.min(2 * least, MOST + 1); shards++)
    if (divides(shards)) return shards;
  for (let shards = least; shards > Math.max(ENOUGH_SHARDS, least / 2); shards--)
    if (divides(shards)) return shards;
  return least;
}

/** Floating-point operations of a graph, as its ops count them. */
export function flopsOf(roots: readonly Tensor[]): number {
  return reachable(roots).reduce((sum, node) => sum + node.op.cost(node), 0);
}

/**
 * Cuts a batch into so many shards, or into half as many as often as they are refused: a shard may have too few rows for a
 * model that can be trained on the batch.
 *
 * @throws what one shard throws
 */
export function cutInto<T>(shards: number, attempt: (shards: number) => T): T {
  for (let count = shards; count > 1; count = Math.floor(count / 2)) {
    try {
      return attempt(count);
    } catch {
      // Nobody asked for so many.
    }
  }
  return attempt(1);
}

function powerOfTwo(most: number): number {
  return 2 ** Math.floor(Math.log2(most));
}
