import type { Region } from '../../graph/region.js';
import type { Actions } from './actions.js';
import { type Sequence, withoutIdle } from './sequence.js';

/**
 * The sequence that marks ask for: what a checkpointed function makes for itself is given up after its last use before the
 * longest time without one, and made again when it is next needed, from what the function was given.
 */
export function asMarked(actions: Actions): Sequence {
  const { reads, writes, producer, steps } = actions;
  const regionOf = steps.map(([step]) => step?.region);
  if (!regionOf.some(Boolean)) return steps.map((_, action) => action);
  const gaps = findGaps(actions, regionOf);
  const restored = new Set<number>();
  const sequence: number[] = [];

  const isGone = (value: number, now: number): boolean => {
    const gap = gaps.get(value);
    return gap !== undefined && now > gap.from && !restored.has(value);
  };
  const restore = (value: number, now: number, made: number[]): void => {
    const action = producer[value] as number;
    for (const input of reads[action] as readonly number[]) if (isGone(input, now)) restore(input, now, made);
    sequence.push(action);
    for (const own of writes[action] as readonly number[]) {
      restored.add(own);
      made.push(own);
    }
  };
  steps.forEach((_, action) => {
    for (const value of reads[action] as readonly number[]) {
      if (!isGone(value, action)) continue;
      const made: number[] = [];
      restore(value, action, made);
      const region = regionOf[producer[value] as number];
      // What functions within made on the way is given up again: they are to be run again for themselves.
      for (const other of made) {
        if (!contains(regionOf[producer[other] as number], region)) restored.delete(other);
      }
    }
    sequence.push(action);
  });
  return withoutIdle(sequence, actions);
}

/** The longest time in which each marked value is not used, by the actions before and behind it. */
function findGaps({ reads, producer, repeatable }: Actions, regionOf: readonly (Region | undefined)[]) {
  const gaps = new Map<number, { from: number; to: number }>();
  const lastUse = [...producer];
  reads.forEach((values, action) => {
    for (const value of values) {
      const maker = producer[value] as number;
      if (!regionOf[maker] || !repeatable[maker]) continue;
      const from = lastUse[value] as number;
      const known = gaps.get(value);
      if (action - from > 1 && (!known || action - from > known.to - known.from))
        gaps.set(value, { from, to: action });
      lastUse[value] = action;
    }
  });
  return gaps;
}

/** Whether a region is another one, or around it. */
function contains(outer: Region | undefined, inner: Region | undefined): boolean {
  for (let region = inner; region; region = region.parent) if (region === outer) return true;
  return false;
}
