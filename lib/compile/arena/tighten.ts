import { at } from '../../graph/at.js';
import { type Lifetime, liveBytes } from '../liveness/live-bytes.js';
import { climb, generator, type Try, tryOrder } from './climb.js';
import { FirstFit, type Fit } from './first-fit.js';
import { sweep } from './sweep.js';

/** Limits on the blocks that hill climbing examines, per pair of blocks and in total: less than a second. */
const LOOKS = { pair: 1000, all: 1e8 };

/** Most blocks that are placed by size, which takes time that grows with the square of their number. */
const MOST_BLOCKS = 8192;

/** Fraction of the bound that the live bytes of a crowded step exceed. */
const CROWDED = 0.95;

/** Sort keys of the greedy orders, tried in turn, largest first: bytes, bytes times steps, steps. */
const sizes: readonly ((life: Lifetime) => number)[] = [
  ({ bytes }) => bytes,
  (life) => life.bytes * stepsOf(life),
  stepsOf,
];

/**
 * Places blocks in an arena as small as possible, which is NP-hard: takes the tightest of a few greedy orders
 * (Pisarchyk and Lee 2020) and improves it by hill climbing if it is above the lower bound. Stops at the bound or at
 * a limit on the work; the result is deterministic.
 */
export function tightestFit(fit: FirstFit, bound: number): Fit {
  if (fit.lifetimes.length > MOST_BLOCKS) return sweep(fit.lifetimes);
  let best: Try | undefined;
  for (const size of sizes) {
    if (best && best.bytes <= bound) break;
    best = tryOrder(fit, orderBy(fit.lifetimes, size), best && best.bytes - 1) ?? best;
  }
  if (!best) return { offsets: new Float64Array(), bytes: 0 };
  if (best.bytes <= bound) return best;
  const draw = generator();
  const end = fit.looks + Math.min(LOOKS.all, LOOKS.pair * fit.lifetimes.length ** 2);
  best = crowdedFirst(fit, best, bound, end, draw);
  return climb(fit, best, bound, end, draw);
}

/**
 * Hill climbing over the blocks that are live at crowded steps alone, which is fast since they are few. The other
 * blocks are placed after them, where there mostly is room.
 */
function crowdedFirst(
  fit: FirstFit,
  start: Try,
  bound: number,
  end: number,
  draw: (below: number) => number,
): Try {
  const crowded = crowdedOf(fit.lifetimes, bound);
  const inside = new Map([...crowded].map((index, i) => [index, i]));
  const few = new FirstFit([...crowded].map((index) => at(fit.lifetimes, index)));
  const order = start.order.filter((index) => crowded.has(index)).map((index) => inside.get(index) as number);
  const climbed = climb(few, tryOrder(few, order) as Try, bound, 0.7 * (end - fit.looks), draw);
  fit.looks += few.looks;
  const back = [...inside.keys()];
  const first = Array.from(climbed.order, (i) => at(back, i));
  const rest = start.order.filter((index) => !crowded.has(index));
  return tryOrder(fit, Int32Array.from([...first, ...rest]), start.bytes) ?? start;
}

/** The blocks that are live at a crowded step. */
function crowdedOf(lifetimes: readonly Lifetime[], bound: number): Set<number> {
  const steps = lifetimes.reduce((most, { last }) => Math.max(most, last + 1), 0);
  const live = liveBytes(lifetimes, steps);
  // Prefix sums, to test an interval in constant time: the number of crowded steps before each step.
  const before = new Int32Array(steps + 1);
  live.forEach((bytes, step) => {
    before[step + 1] = (before[step] as number) + (bytes > CROWDED * bound ? 1 : 0);
  });
  const indices = lifetimes.flatMap(({ first, last }, i) => (before[last + 1] !== before[first] ? [i] : []));
  return new Set(indices);
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
