import type { Lifetime } from './lifetimes.js';

/** Where blocks lie. */
export interface Fit {
  /** By the index of the lifetime. */
  readonly offsets: Float64Array;
  readonly bytes: number;
}

/** Places blocks one after another, each at the lowest offset that is free over its whole life. */
export class FirstFit {
  /** How many placed blocks were looked at so far: what the work is measured by, the same in each run. */
  looks = 0;

  constructor(readonly lifetimes: readonly Lifetime[]) {}

  /** The blocks of an order, or undefined as soon as they reach beyond a limit in bytes. */
  place(order: Int32Array, limit = Number.POSITIVE_INFINITY): Fit | undefined {
    const shelf = new Shelf(order.length);
    const offsets = new Float64Array(order.length);
    let most = 0;
    for (const index of order) {
      const life = this.lifetimes[index] as Lifetime;
      const offset = shelf.lowest(life);
      most = Math.max(most, offset + life.bytes);
      if (most > limit) break;
      offsets[index] = offset;
      shelf.insert(life, offset);
    }
    this.looks += shelf.looks;
    return most > limit ? undefined : { offsets, bytes: most };
  }

  bytesOf(index: number): number {
    return (this.lifetimes[index] as Lifetime).bytes;
  }

  /** Whether two blocks are alive at the same step. */
  meet(a: number, b: number): boolean {
    const [one, other] = [this.lifetimes[a] as Lifetime, this.lifetimes[b] as Lifetime];
    return one.first <= other.last && other.first <= one.last;
  }
}

/** Blocks in the order of their offsets: an array for each of their sides, since nearly all looks miss. */
class Shelf {
  looks = 0;
  #count = 0;
  readonly #firsts: Int32Array;
  readonly #lasts: Int32Array;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;

  constructor(room: number) {
    this.#firsts = new Int32Array(room);
    this.#lasts = new Int32Array(room);
    this.#starts = new Float64Array(room);
    this.#ends = new Float64Array(room);
  }

  /** The lowest offset that is free over a whole life. */
  lowest({ first, last, bytes }: Lifetime): number {
    const [firsts, lasts, count] = [this.#firsts, this.#lasts, this.#count];
    let offset = 0;
    let i = 0;
    for (; i < count; i++) {
      if ((firsts[i] as number) > last || (lasts[i] as number) < first) continue;
      if (offset + bytes <= (this.#starts[i] as number)) break;
      offset = Math.max(offset, this.#ends[i] as number);
    }
    this.looks += i;
    return offset;
  }

  insert({ first, last, bytes }: Lifetime, offset: number): void {
    const at = this.#behind(offset);
    const put = (side: Int32Array | Float64Array, value: number) => {
      side.copyWithin(at + 1, at, this.#count);
      side[at] = value;
    };
    put(this.#firsts, first);
    put(this.#lasts, last);
    put(this.#starts, offset);
    put(this.#ends, offset + bytes);
    this.#count++;
  }

  /** How many blocks start at an offset or below. */
  #behind(offset: number): number {
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
