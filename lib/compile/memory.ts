import { findLifetimes, type Lifetime } from './lifetimes.js';
import type { Block, Step } from './plan.js';
import type { Value } from './values.js';

export { largestLiveBytes } from './lifetimes.js';
export { operandsOf } from './operands.js';

export interface Arena {
  readonly blocks: Block[];
  readonly bytes: number;
  /** Where each buffer starts, by its id. */
  readonly offsets: ReadonlyMap<number, number>;
}

/**
 * Lays out the arena: buffers that are never alive at the same step may share bytes. The largest are placed first, each
 * at the lowest offset that is free over its whole life.
 */
export function placeInArena(steps: readonly Step<Value>[]): Arena {
  const lifetimes = findLifetimes(steps);
  const offsets = new Map<Lifetime, number>();
  const blocks: Block[] = [];
  for (const life of [...new Set(lifetimes.values())].sort(
    (a, b) => b.bytes - a.bytes || a.first - b.first,
  )) {
    const neighbours = blocks
      .filter((other) => other.first <= life.last && life.first <= other.last)
      .sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const other of neighbours) {
      if (offset + life.bytes <= other.offset) break;
      offset = Math.max(offset, other.offset + other.bytes);
    }
    offsets.set(life, offset);
    blocks.push({ offset, ...life });
  }
  return {
    blocks: blocks.sort((a, b) => a.first - b.first || a.offset - b.offset),
    bytes: blocks.reduce((most, { offset, bytes }) => Math.max(most, offset + bytes), 0),
    offsets: new Map([...lifetimes].map(([id, life]) => [id, offsets.get(life) as number])),
  };
}
