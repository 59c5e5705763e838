import type { FirstFit, Fit } from './first-fit.js';

/** An order of blocks, and where they lie when they are placed in it. */
export interface Try extends Fit {
  readonly order: Int32Array;
}

export function tryOrder(fit: FirstFit, order: Int32Array, limit?: number): Try | undefined {
  const placed = fit.place(order, limit);
  return placed && { order, ...placed };
}

/**
 * Hill climbing to a lower bound: swaps one of the blocks that hold the arena up, drawn at random, with one that it meets
 * and that is placed before it, and keeps every order that is as tight as the one before.
 *
 * @param looks after how many looks of `fit` it ends at the latest
 * @param draw an integer from 0 to below its argument
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
    const at = order.indexOf(pillars[draw(pillars.length)] as number);
    const block = order[at] as number;
    const earlier: number[] = [];
    for (let i = 0; i < at; i++) if (fit.meet(order[i] as number, block)) earlier.push(i);
    fit.looks += order.length;
    if (earlier.length === 0) continue;
    const to = earlier[draw(earlier.length)] as number;
    order[at] = order[to] as number;
    order[to] = block;
    const next = tryOrder(fit, order, best.bytes);
    if (!next) continue;
    best = next;
    pillars = pillarsOf(fit, best);
  }
  return best;
}

/** The blocks that end where the arena does, those that they lie on, and so on down. */
function pillarsOf(fit: FirstFit, { offsets, bytes }: Try): number[] {
  const ends = offsets.map((offset, i) => offset + fit.bytesOf(i));
  const found = new Set<number>();
  const endingAt = (height: number, add: (index: number) => void) => {
    fit.looks += ends.length;
    for (let i = ends.indexOf(height); i >= 0; i = ends.indexOf(height, i + 1)) add(i);
  };
  endingAt(bytes, (top) => found.add(top));
  for (const upper of found) {
    endingAt(offsets[upper] as number, (lower) => {
      if (fit.meet(lower, upper)) found.add(lower);
    });
  }
  return [...found];
}

/** Draws integers below a bound, the same ones each time: the linear congruential generator of Numerical Recipes. */
export function generator(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
