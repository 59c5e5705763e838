import { at } from '../../graph/at.js';
import type { Actions } from './actions.js';
import { type KeptSegment, measureSegments, type SegmentCosts } from './segment-costs.js';
import type { Segments } from './segments.js';
import type { Sequence } from './sequence.js';

/** Limit on the work of the search, in iterations of its innermost loop. */
const SEARCH_WORK = 5e7;

/** Fewest and most levels of memory: sizes are rounded to a fraction of what keeping everything takes. */
const [FEWEST_LEVELS, MOST_LEVELS] = [128, 1024];

/**
 * Recomputation search: for a chain of segments and every amount of memory, the forward and backward order with the
 * least work, that is, the segment boundaries to hold and the segments to rerun from there, recursively. Dynamic
 * programming after Beaumont et al. ("Optimal checkpointing for heterogeneous chains", 2019): with memory m, segments s
 * to t either run up to some segment k whose boundary is held, k to t are completed, and s to k - 1 start over; or
 * segment s keeps what it will need, and the ones after it are completed. Exact for chains, up to the rounding of
 * sizes.
 */
export class ChainSearch {
  readonly #count: number;
  readonly #levels: number;
  readonly #costs: SegmentCosts;
  readonly #grain: number;
  /** `#table[s][t]`: the least work for segments s to t, by level of memory. */
  readonly #table: Float32Array[][] = [];
  /** `[s][k]`: the cost and the peak of running segments s to k - 1. */
  readonly #sweepCost: Float64Array[];
  readonly #sweepPeak: Float64Array[];

  constructor(
    private readonly actions: Actions,
    private readonly segments: Segments,
  ) {
    const count = segments.cuts.length - 1;
    this.#count = count;
    this.#costs = measureSegments(actions, segments);
    const most = Math.floor((6 * SEARCH_WORK) / Math.max(1, count) ** 3);
    const everything = this.#bytesOfEverything();
    const sizes = this.#costs.kept.map(({ bytes }) => bytes);
    this.#grain = chooseGrain(sizes, everything / Math.min(MOST_LEVELS, Math.max(FEWEST_LEVELS, most)));
    this.#levels = Math.ceil(everything / this.#grain);
    const { forward, sweepPeak } = this.#costs;
    this.#sweepCost = Array.from({ length: count }, (_, s) =>
      runningOver(forward, s, (sum, cost) => sum + cost),
    );
    this.#sweepPeak = sweepPeak.map((peaks, s) => runningOver(peaks, s, Math.max));
    this.#fill();
  }

  /** At most `most` different sequences, from much memory to little. */
  sequences(most: number): Sequence[] {
    const all = this.#table[0]?.[this.#count - 1];
    if (!all) return [];
    const levels: number[] = [];
    for (let level = this.#levels; level >= 0; level--) {
      if (Number.isFinite(all[level]) && all[level] !== all[level - 1]) levels.push(level);
    }
    // In geometric steps of memory, so that small budgets have as many choices as large ones.
    const [first, last] = [levels[0] ?? 0, levels.at(-1) ?? 0];
    const chosen = new Set(
      Array.from({ length: most }, (_, i) => {
        const target = first * ((last + 1) / (first + 1)) ** (i / Math.max(1, most - 1));
        return levels.find((level) => level <= target) ?? last;
      }),
    );
    return [...chosen].map((level) => this.#sequence(level as number));
  }

  #bytesOfEverything(): number {
    let [held, peak] = [0, 0];
    for (const kept of this.#costs.kept) {
      peak = Math.max(peak, held + Math.max(kept.peak, kept.backPeak));
      held += kept.bytes;
    }
    return peak;
  }

  /** The levels that keeping everything of segments s to t takes, including what rounding may add. */
  #everything(s: number, t: number): number {
    const waiting = this.#waitingBehind(t);
    let [held, peak] = [0, 0];
    for (let segment = s; segment <= t; segment++) {
      const kept = at(this.#costs.kept, segment);
      peak = Math.max(peak, held + this.#level(Math.max(kept.peak + waiting, kept.backPeak)));
      held += this.#level(kept.bytes);
    }
    return peak;
  }

  #level(bytes: number): number {
    return Math.round(bytes / this.#grain);
  }

  #waitingBehind(t: number): number {
    return t + 1 < this.#count ? at(this.#costs.waiting, t) : 0;
  }

  #fill(): void {
    for (let s = 0; s < this.#count; s++) this.#table.push([]);
    for (let length = 1; length <= this.#count; length++) {
      for (let s = 0; s + length <= this.#count; s++) {
        const t = s + length - 1;
        const best = new Float32Array(this.#levels + 1).fill(Number.POSITIVE_INFINITY);
        // Beyond what keeping everything takes, more memory makes no difference.
        const enough = Math.min(this.#levels, this.#everything(s, t));
        for (const option of this.#options(s, t)) improveBy(option, best, enough);
        best.fill(at(best, enough), enough);
        at(this.#table, s)[t] = best;
      }
    }
  }

  *#options(s: number, t: number): Generator<Option> {
    const { kept, boundary } = this.#costs;
    const waiting = this.#waitingBehind(t);
    const own = at(kept, s);
    const [end, needs] = [s + 1, this.#level(Math.max(own.peak + waiting, own.backPeak))];
    if (s === t) yield { kind: 'last', end, segment: own, cost: own.own, needs, holds: 0 };
    else {
      const after = at(at(this.#table, end), t);
      yield { kind: 'keep', end, cost: own.both, needs, holds: this.#level(own.bytes), after };
    }
    const [costs, peaks] = [at(this.#sweepCost, s), at(this.#sweepPeak, s)];
    for (let k = s + 1; k <= t; k++) {
      const sweep: Option = {
        kind: 'hold',
        end: k,
        cost: costs[k] as number,
        needs: this.#level((peaks[k] as number) + waiting),
        holds: this.#level((boundary[k] as Float64Array)[s] as number),
        after: this.#table[k]?.[t] as Float32Array,
        again: this.#table[s]?.[k - 1] as Float32Array,
      };
      yield sweep;
      const { own: all, rest, given } = at(kept, k - 1);
      if (rest < all) yield { ...sweep, cost: sweep.cost - (all - rest), keeps: this.#level(given) };
    }
  }

  #sequence(level: number): Sequence {
    const { cuts, split, back } = this.segments;
    const sequence: number[] = [];
    const add = (from: number, to: number) => {
      for (let action = from; action < to; action++) sequence.push(action);
    };
    const visit = (s: number, t: number, memory: number, isGiven: boolean): void => {
      let [best, least]: [Option | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
      for (const option of this.#options(s, t)) {
        const { cost, needs, holds, after, again, keeps = 0 } = option;
        if (memory < Math.max(needs, holds, keeps)) continue;
        const sum = cost + (after?.[memory - holds] ?? 0) + (again?.[memory - keeps] ?? 0);
        if (sum < least) [best, least] = [option, sum];
      }
      if (!best) throw new Error('recompute: the search has no way where it found one');
      const { kind, end, segment, holds, keeps } = best;
      if (isGiven && segment) sequence.push(...segment.restActions);
      else add(at(cuts, s), at(cuts, end));
      if (end <= t) visit(end, t, memory - holds, isGiven);
      if (kind === 'hold') visit(s, end - 1, memory - (keeps ?? 0), keeps !== undefined);
      else add(at(back, end - 1).start, at(back, s).end);
    };
    visit(0, this.#count - 1, level, false);
    add(this.#count > 0 ? at(back, 0).end : split, this.actions.reads.length);
    return sequence;
  }
}

interface Option {
  readonly kind: 'last' | 'keep' | 'hold';
  /** The segment after the one or those that run now. */
  readonly end: number;
  /** The segment that runs, for `last`. */
  readonly segment?: KeptSegment;
  readonly cost: number;
  /** Levels of memory that it takes at least, and that it holds during `after`. */
  readonly needs: number;
  readonly holds: number;
  /** The work of the segments after it by level, and that of starting over. */
  readonly after?: Float32Array;
  readonly again?: Float32Array;
  /** Levels of a boundary that stays held until the backward pass of the segment before it, if it does. */
  readonly keeps?: number;
}

/** Lowers the best cost at the levels of memory where an option is cheaper. */
function improveBy(
  { cost, needs, holds, after, again, keeps = 0 }: Option,
  best: Float32Array,
  enough: number,
): void {
  const from = Math.max(needs, holds, keeps);
  // A loop for each case: this is where the search spends its time.
  if (after && again) {
    for (let level = from; level <= enough; level++) {
      const sum = cost + (after[level - holds] as number) + (again[level - keeps] as number);
      if (sum < (best[level] as number)) best[level] = sum;
    }
  } else if (after) {
    for (let level = from; level <= enough; level++) {
      const sum = cost + (after[level - holds] as number);
      if (sum < (best[level] as number)) best[level] = sum;
    }
  } else {
    for (let level = from; level <= enough; level++) best[level] = Math.min(best[level] as number, cost);
  }
}

/** Fraction of the kept bytes in sizes that may be too small for the grain. */
const SMALL_SHARE = 0.1;

/**
 * The unit to which sizes are rounded: at least `least`, and a divisor or multiple of a size typical of what is kept,
 * as the sizes of a network's tensors are often multiples of one another.
 */
function chooseGrain(kept: readonly number[], least: number): number {
  const sizes = [...kept].filter((size) => size > 0).sort((a, b) => a - b);
  let small = SMALL_SHARE * sizes.reduce((sum, size) => sum + size, 0);
  const unit =
    sizes.find((size) => {
      small -= size;
      return small < 0;
    }) ?? 1;
  const common = sizes.reduce(greatestCommonDivisor, 0);
  if (common > 0 && common >= least) return common;
  const parts = Math.floor(unit / least);
  return Math.max(1, parts >= 1 ? unit / parts : unit * 2 ** Math.ceil(Math.log2(least / unit)));
}

/** Running totals: entry `k` combines the values from `s` to below `k`. */
function runningOver(
  values: Float64Array,
  s: number,
  combine: (total: number, value: number) => number,
): Float64Array {
  const totals = new Float64Array(values.length + 1);
  for (let k = s + 1; k <= values.length; k++) {
    totals[k] = combine(totals[k - 1] as number, values[k - 1] as number);
  }
  return totals;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
