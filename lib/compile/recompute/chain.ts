import type { Actions } from './actions.js';
import { type KeptSegments, measureSegments, type SegmentCosts } from './segment-costs.js';
import type { Segments } from './segments.js';
import type { Sequence } from './sequence.js';

/** The work of the search, in steps of its innermost loop. */
const SEARCH_WORK = 5e7;

/** Sizes are rounded to a part of the memory that keeping everything takes: to one of so many. */
const [FEWEST_LEVELS, MOST_LEVELS] = [128, 1024];

/**
 * For a chain of stages and every amount of memory, how to run forward and back with the least work: which values to hold
 * at the borders of stages, what to run again from there, and so on within what runs again. By dynamic programming, as
 * Beaumont et al. ("Optimal checkpointing for heterogeneous chains", 2019) do: with memory m, the stages from s to t are
 * either run up to some stage k whose border is held, those behind it are done, and those before it begin again; or stage
 * s keeps what it will need, and those behind it are done. Exact for chains, up to the rounding of sizes.
 */
export class ChainSearch {
  readonly #count: number;
  readonly #levels: number;
  readonly #costs: SegmentCosts;
  readonly #grain: number;
  /** For each pair of stages, the work by level of memory. */
  readonly #table: Float32Array[][] = [];
  /** `#sweep[s][k]`: the cost of running stages s to k - 1, and the most that it takes. */
  readonly #sweepCost: Float64Array[];
  readonly #sweepPeak: Float64Array[];

  constructor(
    private readonly actions: Actions,
    private readonly stages: Segments,
  ) {
    const count = stages.cuts.length - 1;
    this.#count = count;
    this.#costs = measureSegments(actions, stages);
    const most = Math.floor((6 * SEARCH_WORK) / Math.max(1, count) ** 3);
    const everything = this.#bytesOfEverything();
    const sizes = this.#costs.kept.map(([alone]) => (alone as KeptSegments).bytes);
    this.#grain = chooseGrain(sizes, everything / Math.min(MOST_LEVELS, Math.max(FEWEST_LEVELS, most)));
    this.#levels = Math.ceil(everything / this.#grain);
    const { forward, sweepPeak } = this.#costs;
    this.#sweepCost = Array.from({ length: count }, (_, s) =>
      runningOver(forward, s, (sum, cost) => sum + cost),
    );
    this.#sweepPeak = sweepPeak.map((peaks, s) => runningOver(peaks, s, Math.max));
    this.#fill();
  }

  /** The sequences for all amounts of memory that make a difference, from much to little. */
  sequences(most: number): Sequence[] {
    const all = this.#table[0]?.[this.#count - 1];
    if (!all) return [];
    const levels: number[] = [];
    for (let level = this.#levels; level >= 0; level--) {
      if (Number.isFinite(all[level]) && all[level] !== all[level - 1]) levels.push(level);
    }
    // Evenly in ratios of memory, so that small budgets have as many choices as large ones.
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
    for (const [stages] of this.#costs.kept as readonly (readonly [KeptSegments])[]) {
      peak = Math.max(peak, held + Math.max(stages.peak, stages.backPeak));
      held += stages.bytes;
    }
    return peak;
  }

  /** What keeping everything of some stages takes, in levels with what rounding may add. */
  #everything(s: number, t: number): number {
    const waiting = this.#waitingBehind(t);
    let [held, peak] = [0, 0];
    for (let stage = s; stage <= t; stage++) {
      const [alone] = this.#costs.kept[stage] as readonly [KeptSegments];
      peak = Math.max(peak, held + this.#level(Math.max(alone.peak + waiting, alone.backPeak)));
      held += this.#level(alone.bytes);
    }
    return peak;
  }

  #level(bytes: number): number {
    return Math.round(bytes / this.#grain);
  }

  #waitingBehind(t: number): number {
    return t + 1 < this.#count ? (this.#costs.waiting[t] as number) : 0;
  }

  #fill(): void {
    for (let s = 0; s < this.#count; s++) this.#table.push([]);
    for (let length = 1; length <= this.#count; length++) {
      for (let s = 0; s + length <= this.#count; s++) {
        const t = s + length - 1;
        const best = new Float32Array(this.#levels + 1).fill(Number.POSITIVE_INFINITY);
        // With what keeping everything takes, more makes no difference.
        const enough = Math.min(this.#levels, this.#everything(s, t));
        for (const option of this.#options(s, t)) improveBy(option, best, enough);
        best.fill(best[enough] as number, enough);
        (this.#table[s] as Float32Array[])[t] = best;
      }
    }
  }

  *#options(s: number, t: number): Generator<Option> {
    const { kept, boundary } = this.#costs;
    const waiting = this.#waitingBehind(t);
    for (const [more, stages] of (kept[s] as readonly KeptSegments[]).entries()) {
      const end = s + more + 1;
      if (end > t + 1) break;
      const needs = this.#level(Math.max(stages.peak + waiting, stages.backPeak));
      if (end === t + 1) yield { kind: 'last', end, stages, cost: stages.own, needs, holds: 0 };
      else {
        const after = this.#table[end]?.[t] as Float32Array;
        yield { kind: 'keep', end, cost: stages.both, needs, holds: this.#level(stages.bytes), after };
      }
    }
    const [costs, peaks] = [this.#sweepCost[s] as Float64Array, this.#sweepPeak[s] as Float64Array];
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
      const [alone] = kept[k - 1] as readonly [KeptSegments];
      const { own, rest, given } = alone;
      if (rest < own) yield { ...sweep, cost: sweep.cost - (own - rest), keeps: this.#level(given) };
    }
  }

  #sequence(level: number): Sequence {
    const { cuts, split, back } = this.stages;
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
      const { kind, end, stages, holds, keeps } = best;
      if (isGiven && stages) sequence.push(...stages.restActions);
      else add(cuts[s] as number, cuts[end] as number);
      if (end <= t) visit(end, t, memory - holds, isGiven);
      if (kind === 'hold') visit(s, end - 1, memory - (keeps ?? 0), keeps !== undefined);
      else add(back[end - 1]?.start as number, back[s]?.end as number);
    };
    visit(0, this.#count - 1, level, false);
    add(this.#count > 0 ? (back[0]?.end as number) : split, this.actions.reads.length);
    return sequence;
  }
}

interface Option {
  readonly kind: 'last' | 'keep' | 'hold';
  /** The stage behind those that run now. */
  readonly end: number;
  /** For `last`, what runs. */
  readonly stages?: KeptSegments;
  readonly cost: number;
  /** Levels of memory that it takes at least, and that it holds while `after` is done. */
  readonly needs: number;
  readonly holds: number;
  /** The work behind it by level, and that of beginning again. */
  readonly after?: Float32Array;
  readonly again?: Float32Array;
  /** Where what is held at the border stays until the stage before it has been gone back through: levels that this takes. */
  readonly keeps?: number;
}

/** Takes an option at the levels of memory at which it costs less than the best so far. */
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

/** The part of what is kept that sizes may make up which the grain is too coarse for. */
const SMALL_SHARE = 0.1;

/**
 * What sizes are rounded to multiples of: no less than `least`, and a whole part of the sizes of most of what is kept, or a
 * multiple of them, as the tensors of a network often have sizes that are multiples of one another.
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
  if (common >= least) return common;
  const parts = Math.floor(unit / least);
  return Math.max(1, parts >= 1 ? unit / parts : unit * 2 ** Math.ceil(Math.log2(least / unit)));
}

/** At `k` what the values from `s` to below `k` come to. */
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
