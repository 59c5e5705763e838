import { at } from '../../graph/at.js';
import { peakOf } from '../liveness/live-bytes.js';
import type { Block, Step } from '../plan/plan.js';
import type { Value } from '../plan/values.js';
import { FirstFit } from './first-fit.js';
import { findLifetimes } from './lifetimes.js';
import { tightestFit } from './tighten.js';

export { largestLiveBytes } from './lifetimes.js';

export interface Arena {
  readonly blocks: Block[];
  readonly bytes: number;
  /** The byte offset of each buffer, by id. */
  readonly offsets: ReadonlyMap<number, number>;
}

/** Lays out the arena: buffers that are never live at the same step may share bytes. */
export function layOutArena(steps: readonly Step<Value>[]): Arena {
  const lifetimes = findLifetimes(steps);
  const groups = [...new Set(lifetimes.values())];
  const fit = tightestFit(new FirstFit(groups), peakOf(groups, steps.length));
  const blocks = groups.map((life, i): Block => ({ offset: at(fit.offsets, i), ...life }));
  const places = new Map(groups.map((life, i) => [life, at(fit.offsets, i)]));
  return {
    blocks: blocks.sort((a, b) => a.first - b.first || a.offset - b.offset),
    bytes: fit.bytes,
    offsets: new Map([...lifetimes].map(([id, life]) => [id, places.get(life) as number])),
  };
}
