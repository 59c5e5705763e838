import { visitLifetimes } from '../liveness/lifetimes.js';
import type { Actions } from './actions.js';
import { profileMemory } from './memory-profile.js';
import { repeatsIn, type Sequence, withoutIdle } from './sequence.js';

/** Reduces the memory of a sequence, or its work within the same memory, and never increases either. */
export function improve(sequence: Sequence, actions: Actions): Sequence {
  const plain = withoutIdle(sequence, actions);
  const late = withoutIdle(asLateAsPossible(plain, actions.reads.length, actions), actions);
  const peak = profileMemory(plain, actions).peak;
  const latePeak = profileMemory(late, actions).peak;
  return fillUp(latePeak <= peak ? late : plain, actions, Math.min(peak, latePeak));
}

/** Removes repetitions from a sequence as long as its peak stays within a limit. */
export function fillUp(sequence: Sequence, actions: Actions, limit: number): Sequence {
  let best = sequence;
  for (;;) {
    const less = withoutSpare(best, actions, limit);
    if (less.length === best.length || profileMemory(less, actions).peak > limit) return best;
    best = less;
  }
}

/** Delays each repetition until its result is first read. */
function asLateAsPossible(sequence: Sequence, count: number, { reads, producer }: Actions): Sequence {
  const repeats = repeatsIn(sequence, count);
  const waiting = new Set<number>();
  const late: number[] = [];
  const emit = (action: number): void => {
    for (const value of reads[action] as readonly number[]) {
      const maker = producer[value] as number;
      if (waiting.delete(maker)) emit(maker);
    }
    late.push(action);
  };
  sequence.forEach((action, place) => {
    if (repeats[place]) waiting.add(action);
    else emit(action);
  });
  return late;
}

/** A repetition that could be removed from a sequence. */
interface Repetition {
  readonly place: number;
  /** Cost per byte that would have to stay live instead. */
  readonly worth: number;
  /** For each value that it writes and that is read later: the last use before it, from which the value would stay. */
  readonly gaps: readonly { readonly from: number; readonly bytes: number }[];
}

/** Removes repetitions whose values can instead stay live within the limit, the most worthwhile first. */
function withoutSpare(sequence: Sequence, actions: Actions, limit: number): number[] {
  const memory = new Usage(profileMemory(sequence, actions).live);
  const dropped = new Set<number>();
  const touched = new Set<number>();
  for (const { place, gaps } of repetitionsOf(sequence, actions)) {
    const action = sequence[place] as number;
    if (touched.has(action)) continue;
    // In the order in which the values begin to stay, so that `more` adds up those that stay at the same time.
    const steps = gaps.slice().sort((a, b) => a.from - b.from);
    let more = 0;
    const fits = steps.every(({ from, bytes }, i) => {
      more += bytes;
      return memory.most(from, steps[i + 1]?.from ?? place) + more <= limit;
    });
    if (!fits) continue;
    touched.add(action);
    dropped.add(place);
    for (const { from, bytes } of gaps) memory.add(from, place, bytes);
  }
  return withoutIdle(
    sequence.filter((_, place) => !dropped.has(place)),
    actions,
  );
}

/** Number of places that share one cached maximum. */
const BLOCK = 64;

/** Live bytes by place, with fast range maxima. */
class Usage {
  readonly #largest: Float64Array;

  constructor(private readonly live: Float64Array) {
    this.#largest = new Float64Array(Math.ceil(live.length / BLOCK));
    for (let block = 0; block < this.#largest.length; block++) this.#refresh(block);
  }

  /** The maximum from a place to below another. */
  most(from: number, to: number): number {
    let most = 0;
    for (let place = from; place < to; ) {
      const whole = place % BLOCK === 0 && place + BLOCK <= to;
      const here = whole ? this.#largest[place / BLOCK] : this.live[place];
      most = Math.max(most, here as number);
      place += whole ? BLOCK : 1;
    }
    return most;
  }

  add(from: number, to: number, bytes: number): void {
    for (let place = from; place < to; place++) this.live[place] = (this.live[place] as number) + bytes;
    for (let block = Math.floor(from / BLOCK); block * BLOCK < to; block++) this.#refresh(block);
  }

  #refresh(block: number): void {
    let most = 0;
    for (let place = block * BLOCK; place < Math.min(this.live.length, (block + 1) * BLOCK); place++) {
      most = Math.max(most, this.live[place] as number);
    }
    this.#largest[block] = most;
  }
}

function repetitionsOf(sequence: Sequence, actions: Actions): Repetition[] {
  const { reads, bytes, cost } = actions;
  const repeats = repeatsIn(sequence, reads.length);
  const gaps = new Map<number, { from: number; readonly bytes: number }[]>();
  // The gap before the lifetime of a value that was visited last: it begins where the lifetime before that ends.
  const open = new Map<number, { from: number }>();
  visitLifetimes(sequence, actions, bytes.length, {
    lives: (value, first, last) => {
      const later = open.get(value);
      if (later) later.from = last;
      open.delete(value);
      if (!repeats[first] || last === first) return;
      const gap = { from: -1, bytes: bytes[value] as number };
      open.set(value, gap);
      gaps.set(first, [...(gaps.get(first) ?? []), gap]);
    },
  });
  const found = sequence.flatMap((action, place): Repetition[] => {
    if (!repeats[place]) return [];
    const own = gaps.get(place) ?? [];
    const size = own.reduce((sum, gap) => sum + gap.bytes, 1);
    return [{ place, gaps: own, worth: (cost[action] as number) / size }];
  });
  return found.sort((a, b) => b.worth - a.worth || a.place - b.place);
}
