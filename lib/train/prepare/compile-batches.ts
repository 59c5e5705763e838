import type { AnyDataset } from '../../data/index.js';
import { noFullBatch } from '../../data/stream-batches.js';
import { StreamMemory } from '../../data/stream-memory.js';
import { ChainruleError } from '../../graph/errors.js';
import type { CompiledShards } from '../../parallel/prepare/compile-shards.js';
import { ofLastBatch, ofShard } from '../../parallel/protocol/shard-error.js';
import { type Batching, shardSizes } from '../../parallel/protocol/shards.js';

/** Number of samples of an epoch; undefined for a stream that does not tell, or may leave out some. */
export function samplesOf(data: AnyDataset): number | undefined {
  return data instanceof StreamMemory ? data.items : data.length;
}

/** @throws if all samples are left out, because they do not fill a batch */
export function requireFullBatch(data: AnyDataset, { batchSize, dropLast }: Batching): void {
  const samples = samplesOf(data);
  if (dropLast && samples !== undefined && samples < batchSize) throw noFullBatch('fit', samples, batchSize);
}

/** Rows of the last batch of an epoch, if it is smaller than the others; 0 if it is not, or unknown. */
export function restOf(data: AnyDataset, { batchSize, dropLast }: Batching): number {
  const samples = samplesOf(data) ?? 0;
  return dropLast || samples < batchSize ? 0 : samples % batchSize;
}

/** Compiles the shards of batches that fit as a whole, and of the last one. An error says what it was that did not fit. */
export function compileBatches(
  { rows, rest, shards }: { readonly rows: number; readonly rest: number; readonly shards: number },
  compile: (sizes: readonly number[]) => CompiledShards,
): CompiledShards {
  const full = shardSizes(rows, rows, shards);
  if (rest === 0) return ofShards(rows, full, () => compile(full));
  try {
    // Together, so that all plans assign the same buffers.
    return compile(shardSizes(rows + rest, rows, shards));
  } catch (error) {
    ofShards(rows, full, () => compile(full));
    ofLast({ rows: rest, shards }, compile);
    throw error;
  }
}

/** Compiles shards of a batch that fits as a whole. An error says what it was that did not fit. */
function ofShards<R>(rows: number, sizes: readonly number[], compile: () => R): R {
  try {
    return compile();
  } catch (error) {
    throw error instanceof ChainruleError ? ofShard(error, sizes, rows) : error;
  }
}

/** Compiles the shards of the last batch of an epoch; an error names it. */
export function ofLast<R>(
  { rows, shards }: { readonly rows: number; readonly shards: number },
  compile: (sizes: readonly number[]) => R,
): R {
  try {
    return compile(shardSizes(rows, rows, shards));
  } catch (error) {
    if (!(error instanceof ChainruleError)) throw error;
    throw ofLastBatch(error, { rows, shards, alone: triedTo(() => compile([rows])) !== undefined });
  }
}

/** What a function returns; undefined if it throws. */
export function triedTo<R>(act: () => R): R | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
