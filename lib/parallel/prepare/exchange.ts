import { type AllReduceStep, allReducesOf, type Plan } from '../../compile/plan/plan.js';
import { at } from '../../graph/at.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { allReducedBytes } from '../../runtime/executable.js';
import type { SharedMemory } from '../protocol/job.js';
import { sharedMemory } from '../protocol/shared-memory.js';

/** The values that each shard of a batch exchanges with the others: the number of all-reduces, and their bytes. */
export interface Exchanged {
  readonly count: number;
  readonly bytes: number;
}

/**
 * What shards with these plans exchange; undefined if nothing.
 *
 * @throws if the plans of shards of different sizes do not exchange the same values
 */
export function exchangedBy(op: string, plans: readonly Plan[]): Exchanged | undefined {
  const lists = plans.map((plan) => allReducesOf(plan).map(formOf).join());
  if (lists.some((list) => list !== lists[0])) {
    throw invalid(op, 'batch normalisation must have the same layers for every number of rows');
  }
  const first = at(plans, 0);
  const count = allReducesOf(first).length;
  if (count === 0) return undefined;
  return { count, bytes: allReducedBytes(first) };
}

/** Memory for what shards exchange. */
export function prepareExchange({ bytes }: Exchanged, shards: number): SharedMemory {
  return sharedMemory('uint8', shards * bytes);
}

function formOf({ attributes, output }: AllReduceStep): string {
  return `${attributes.method} ${output.dtype} ${formatShape(output.shape)}`;
}
