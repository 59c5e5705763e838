import type { Actions } from './actions.js';

/** What an action may write in place of what it reads: see `findLifetimes`, which lays the arena out like this. */
export type InPlace = Actions['inPlace'][number];

/**
 * The bytes that an action does without, since it writes in place of values that die there, one for each: first what is
 * read later, then what it writes for nobody.
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
