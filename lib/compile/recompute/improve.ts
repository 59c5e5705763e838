import type { Actions } from './actions.js';
import { profileMemory } from './memory-profile.js';
import { repeatsIn, type Sequence, withoutIdle } from './sequence.js';

/** Rounds of leaving out repetitions; later ones find little. */
const ROUNDS = 4;

/** The same with less memory, or with less work in the memory that it takes: never more of either. */
export function improve(sequence: Sequence, actions: Actions): Sequence {
  const plain = withoutIdle(sequence, actions);
  const late = withoutIdle(asLateAsPossible(plain, actions.reads.length, actions), actions);
  const peak = profileMemory(plain, actions).peak;
  const latePeak = profileMemory(late, actions).peak;
  return fillUp(latePeak <= peak ? late : plain, actions, Math.min(peak, latePeak));
}

/** The same with less work in so much memory, or in less. */
export function fillUp(sequence: Sequence, actions: Actions, limit: number): Sequence {
  let best = sequence;
  for (let round = 0; round < ROUNDS; round++) {
    const less = withoutSpare(best, actions, limit);
    if (less.length === best.length || profileMemory(less, actions).peak > limit) break;
    best = less;
  }
  return best;
}

/** Lets what runs again run when it is first read. */
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

/** What is written at a place of a sequence, and until when. */
interface Repetition {
  readonly place: number;
  readonly worth: number;
  /** For each value it writes, the place from which on it would have to stay from before. */
  readonly gaps: readonly { readonly from: number; readonly bytes: number }[];
}

/** Leaves out repetitions whose values can stay from before within the limit, the most worthwhile first. */
function withoutSpare(sequence: Sequence, actions: Actions, limit: number): number[] {
  const memory = new Usage(profileMemory(sequence, actions).live);
  const dropped = new Set<number>();
  const touched = new Set<number>();
  for (const { place, gaps } of repetitionsOf(sequence, actions)) {
    const action = sequence[place] as number;
    if (touched.has(action)) continue;
    // From the far end on, where the most of them would stay.
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

/** Places whose largest usage is known together. */
const BLOCK = 64;

/** Bytes in use by place, of which the largest in a range is found quickly. */
class Usage {
  readonly #largest: Float64Array;

  constructor(private readonly live: Float64Array) {
    this.#largest = new Float64Array(Math.ceil(live.length / BLOCK));
    for (let block = 0; block < this.#largest.length; block++) this.#refresh(block);
  }

  /** The most in use from a place to below another. */
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

/** The pairs of a place and a value that is written there and read later. */
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
