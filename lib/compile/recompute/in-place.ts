import type { Actions } from './actions.js';

/** The writes that an action may do in place of its reads, by the rules of `findLifetimes`. */
export type InPlace = Actions['inPlace'][number];

/**
 * The bytes that an action saves by writing in place of values that die there, one per write: first writes that are
 * read later, then those that are never read.
 */
export function bytesInPlace(
  writes: InPlace,
  bytes: readonly number[],
  dies: (read: number) => boolean,
  isIdle: (write: number) => boolean,
): number {
  if (writes.length === 0) return 0;
  const taken = new Set<number>();
  let sum = 0;
  for (const idle of [false, true]) {
    for (const { write, reads } of writes) {
      if (isIdle(write) !== idle) continue;
      const place = reads.find((value) => !taken.has(value) && dies(value));
      if (place === undefined) continue;
      taken.add(place);
      sum += bytes[write] as number;
    }
  }
  return sum;
}
