import { climb, generator, type Try, tryOrder } from './climb.js';
import { FirstFit, type Fit } from './first-fit.js';
import { type Lifetime, liveBytes } from './lifetimes.js';

/** Looks at placed blocks that climbing may take for each pair of blocks, and in all: less than a second. */
const LOOKS = { pair: 1000, all: 1e8 };

/** The share of the bound from which on a step is crowded. */
const CROWDED = 0.95;

/** What blocks are placed by, the first before the others: their bytes, these times their steps, or their steps. */
const sizes: readonly ((life: Lifetime) => number)[] = [
  ({ bytes }) => bytes,
  (life) => life.bytes * stepsOf(life),
  stepsOf,
];

/**
 * Places blocks so that they reach no further than they must, which is NP-hard: the tightest of a few greedy orders
 * (Pisarchyk and Lee 2020), and where that is above the lower bound, what hill climbing makes of it. All stop at the
 * bound, or after so much work; the same blocks get the same places.
 */
export function tightestFit(fit: FirstFit, bound: number): Fit {
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
 * Climbs with only the blocks that are alive at crowded steps, which is quick since they are few, and puts the others
 * behind them, for which there mostly is room.
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
  const few = new FirstFit([...crowded].map((index) => fit.lifetimes[index] as Lifetime));
  const order = start.order.filter((index) => crowded.has(index)).map((index) => inside.get(index) as number);
  const climbed = climb(few, tryOrder(few, order) as Try, bound, 0.7 * (end - fit.looks), draw);
  fit.looks += few.looks;
  const back = [...inside.keys()];
  const first = Array.from(climbed.order, (i) => back[i] as number);
  const rest = start.order.filter((index) => !crowded.has(index));
  return tryOrder(fit, Int32Array.from([...first, ...rest]), start.bytes) ?? start;
}

/** The blocks that are alive at a step that is crowded. */
function crowdedOf(lifetimes: readonly Lifetime[], bound: number): Set<number> {
  const steps = lifetimes.reduce((most, { last }) => Math.max(most, last + 1), 0);
  const live = liveBytes(lifetimes, steps);
  // How many of the steps before each are crowded.
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
