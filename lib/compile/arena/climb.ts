import { at } from '../../graph/at.js';
import type { FirstFit, Fit } from './first-fit.js';

/** An order of blocks, and the placement that it gives. */
export interface Try extends Fit {
  readonly order: Int32Array;
}

export function tryOrder(fit: FirstFit, order: Int32Array, limit?: number): Try | undefined {
  const placed = fit.place(order, limit);
  return placed && { order, ...placed };
}

/**
 * Hill climbing towards a lower bound: swaps a random block of those that determine the size of the arena with one that
 * is live at the same time and placed before it, and keeps every order that is at least as tight.
 *
 * @param looks value of `fit.looks` at which the search stops
 * @param draw gives a random integer from 0 to below its argument
 */
export function climb(
  fit: FirstFit,
  start: Try,
  bound: number,
  looks: number,
  draw: (below: number) => number,
): Try {
  let best = start;
  let pillars = pillarsOf(fit, best);
  while (best.bytes > bound && fit.looks < looks) {
    const order = best.order.slice();
    const from = order.indexOf(at(pillars, draw(pillars.length)));
    const block = at(order, from);
    const earlier: number[] = [];
    for (let i = 0; i < from; i++) if (fit.meet(order[i] as number, block)) earlier.push(i);
    fit.looks += order.length;
    if (earlier.length === 0) continue;
    const to = at(earlier, draw(earlier.length));
    order[from] = at(order, to);
    order[to] = block;
    const next = tryOrder(fit, order, best.bytes);
    if (!next) continue;
    best = next;
    pillars = pillarsOf(fit, best);
  }
  return best;
}

/** The blocks that end at the top of the arena, those that they rest on, and so on down. */
function pillarsOf(fit: FirstFit, { offsets, bytes }: Try): number[] {
  const ends = offsets.map((offset, i) => offset + fit.bytesOf(i));
  const found = new Set<number>();
  const endingAt = (height: number, add: (index: number) => void) => {
    fit.looks += ends.length;
    for (let i = ends.indexOf(height); i >= 0; i = ends.indexOf(height, i + 1)) add(i);
  };
  endingAt(bytes, (top) => found.add(top));
  for (const upper of found) {
    endingAt(at(offsets, upper), (lower) => {
      if (fit.meet(lower, upper)) found.add(lower);
    });
  }
  return [...found];
}

/** Deterministic generator of integers below a bound: the linear congruential one of Numerical Recipes. */
export function generator(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
