/** Name of the input that tells a plan the rows of each shard. */
export const ROWS = 'rows';
