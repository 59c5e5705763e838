import type { FirstFit, Fit } from './first-fit.js';
import type { Lifetime } from './lifetimes.js';

/** Looks at placed blocks that climbing may take for each block, and in all: less than half a second. */
const LOOKS = { each: 2e4, all: 2e7 };

/** An order of blocks, and where they lie when they are placed in it. */
interface Try extends Fit {
  readonly order: Int32Array;
}

/** What blocks are placed by, the first before the others: their bytes, these times their steps, or their steps. */
const sizes: readonly ((life: Lifetime) => number)[] = [
  ({ bytes }) => bytes,
  (life) => life.bytes * stepsOf(life),
  stepsOf,
];

/**
 * Places blocks so that they reach no further than they must, which is NP-hard: the tightest of a few greedy orders
 * (Pisarchyk and Lee 2020), and where that is above the lower bound, what hill climbing makes of it. Both stop at the
 * bound, or after so much work; the same blocks get the same places.
 */
export function tightestFit(fit: FirstFit, bound: number): Fit {
  let best: Try | undefined;
  for (const size of sizes) {
    if (best && best.bytes <= bound) break;
    best = tryOrder(fit, orderBy(fit.lifetimes, size), best && best.bytes - 1) ?? best;
  }
  return best && best.bytes > bound
    ? climb(fit, best, bound)
    : (best ?? { offsets: new Float64Array(), bytes: 0 });
}

/**
 * Swaps one of the blocks that hold the arena up, drawn at random, with one that it met when it was placed, and keeps
 * every order that is as tight as the one before.
 */
function climb(fit: FirstFit, start: Try, bound: number): Fit {
  const draw = generator();
  const end = fit.looks + Math.min(LOOKS.all, LOOKS.each * fit.lifetimes.length);
  let best = start;
  let pillars = pillarsOf(fit, best);
  while (best.bytes > bound && fit.looks < end) {
    const order = best.order.slice();
    const at = order.indexOf(pillars[draw(pillars.length)] as number);
    const block = order[at] as number;
    const earlier = Array.from({ length: at }, (_, i) => i).filter((i) =>
      fit.meet(order[i] as number, block),
    );
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

function tryOrder(fit: FirstFit, order: Int32Array, limit?: number): Try | undefined {
  const placed = fit.place(order, limit);
  return placed && { order, ...placed };
}

function orderBy(lifetimes: readonly Lifetime[], size: (life: Lifetime) => number): Int32Array {
  const keys = lifetimes.map(size);
  const first = lifetimes.map((life) => life.first);
  return Int32Array.from(lifetimes.keys()).sort(
    (a, b) =>
      (keys[b] as number) - (keys[a] as number) || (first[a] as number) - (first[b] as number) || a - b,
  );
}

function stepsOf({ first, last }: Lifetime): number {
  return last - first + 1;
}

/** Integers below a bound, the same ones each time: the linear congruential generator of Numerical Recipes. */
function generator(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
