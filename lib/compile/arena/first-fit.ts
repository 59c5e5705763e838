import { at } from '../../graph/at.js';
import type { Lifetime } from '../liveness/live-bytes.js';
import { partitionPoint } from '../plan/partition-point.js';

/** A placement of blocks. */
export interface Fit {
  /** In bytes, by the index of the lifetime. */
  readonly offsets: Float64Array;
  readonly bytes: number;
}

/** First-fit placement: puts each block at the lowest offset that is free over its whole lifetime. */
export class FirstFit {
  /** Number of placed blocks examined so far: a deterministic measure of the work. */
  looks = 0;

  constructor(readonly lifetimes: readonly Lifetime[]) {}

  /** Places the blocks in the given order; undefined as soon as they exceed a limit in bytes. */
  place(order: Int32Array, limit = Number.POSITIVE_INFINITY): Fit | undefined {
    const shelf = new Shelf(order.length);
    const offsets = new Float64Array(order.length);
    let most = 0;
    for (const index of order) {
      const life = at(this.lifetimes, index);
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

  /** True if two blocks are live at the same step. */
  meet(a: number, b: number): boolean {
    const [one, other] = [this.lifetimes[a] as Lifetime, this.lifetimes[b] as Lifetime];
    return one.first <= other.last && other.first <= one.last;
  }
}

/** Placed blocks by offset, one array per field, since nearly all comparisons of lifetimes miss. */
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

  /** The lowest offset that is free over a whole lifetime. */
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
    const index = this.#behind(offset);
    const put = (side: Int32Array | Float64Array, value: number) => {
      side.copyWithin(index + 1, index, this.#count);
      side[index] = value;
    };
    put(this.#firsts, first);
    put(this.#lasts, last);
    put(this.#starts, offset);
    put(this.#ends, offset + bytes);
    this.#count++;
  }

  /** Number of blocks that start at or below an offset. */
  #behind(offset: number): number {
    return partitionPoint(this.#count, (index) => (this.#starts[index] as number) <= offset);
  }
}
