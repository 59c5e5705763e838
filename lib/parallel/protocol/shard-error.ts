import { type ChainruleError, withNote } from '../../graph/errors.js';
import { enumerate } from '../../text/names.js';

/** The error of shards of a batch of `rows` rows that fits as a whole, which says what it was that did not fit. */
export function ofShard(error: ChainruleError, sizes: readonly number[], rows: number): ChainruleError {
  if (sizes.every((size) => size === rows)) return error;
  const parts = enumerate(sizes.map(String), 'or');
  return withNote(
    error,
    `in a shard of ${parts} of the ${rows} rows of a batch, each of which has to work alone`,
  );
}
