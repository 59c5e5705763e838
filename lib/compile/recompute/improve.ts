import type { Actions } from './actions.js';
import { profileMemory } from './memory-profile.js';
import { repeatsIn, type Sequence, withoutIdle } from './sequence.js';

/** Rounds of removing repetitions; later ones find little. */
const ROUNDS = 4;

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
  for (let round = 0; round < ROUNDS; round++) {
    const less = withoutSpare(best, actions, limit);
    if (less.length === best.length || profileMemory(less, actions).peak > limit) break;
    best = less;
  }
  return best;
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

function repetitionsOf(sequence: Sequence, { reads, writes, bytes, cost }: Actions): Repetition[] {
  const repeats = repeatsIn(sequence, reads.length);
  const lastUse = new Int32Array(bytes.length).fill(-1);
  const found: Repetition[] = [];
  const readLater = readsAfter(sequence, reads, writes, bytes.length);
  sequence.forEach((action, place) => {
    const made = writes[action] as readonly number[];
    if (repeats[place]) {
      const gaps = made
        .filter((value) => readLater.has(place * bytes.length + value))
        .map((value) => ({ from: lastUse[value] as number, bytes: bytes[value] as number }));
      const size = gaps.reduce((sum, gap) => sum + gap.bytes, 1);
      found.push({ place, gaps, worth: (cost[action] as number) / size });
    }
    for (const value of made) lastUse[value] = place;
    for (const value of reads[action] as readonly number[]) lastUse[value] = place;
  });
  return found.sort((a, b) => b.worth - a.worth || a.place - b.place);
}

/** The pairs of a place and a value written there that is read later, encoded as `place * values + value`. */
function readsAfter(
  sequence: Sequence,
  reads: Actions['reads'],
  writes: Actions['writes'],
  values: number,
): Set<number> {
  const found = new Set<number>();
  const writtenAt = new Int32Array(values).fill(-1);
  sequence.forEach((action, place) => {
    for (const value of reads[action] as readonly number[]) {
      found.add((writtenAt[value] as number) * values + value);
    }
    for (const value of writes[action] as readonly number[]) writtenAt[value] = place;
  });
  return found;
}
