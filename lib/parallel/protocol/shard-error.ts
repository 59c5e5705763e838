import { type ChainruleError, withNote } from '../../graph/errors.js';
import { enumerate } from '../../text/names.js';
import { shardSizes } from './shards.js';

/**
 * The error of shards of the last batch of an epoch, which is smaller than the others, with what helps.
 *
 * @param alone true if the batch fits as a whole
 */
export function ofLastBatch(
  error: ChainruleError,
  { rows, shards, alone }: { readonly rows: number; readonly shards: number; readonly alone: boolean },
): ChainruleError {
  const samples = `${rows} ${rows === 1 ? 'sample' : 'samples'}`;
  const sizes = enumerate(shardSizes(rows, rows, shards).map(String), 'and');
  const cut = shards === 1 ? 'is too small' : `over ${shards} shards gives shards of ${sizes}`;
  const remedies = ['dropLast: true', ...(alone && shards > 1 ? ['shards: 1'] : []), 'another batchSize'];
  return withNote(error, `the last batch of ${samples} ${cut}; use ${enumerate(remedies, 'or')}`);
}

/** The error of shards of a batch of `rows` rows that fits as a whole, which says what it was that did not fit. */
export function ofShard(error: ChainruleError, sizes: readonly number[], rows: number): ChainruleError {
  if (sizes.every((size) => size === rows)) return error;
  const parts = enumerate(sizes.map(String), 'or');
  return withNote(
    error,
    `in a shard of ${parts} of the ${rows} rows of a batch, each of which has to work alone`,
  );
}
