import { at } from '../../graph/at.js';
import type { Lifetime } from '../liveness/live-bytes.js';
import { SortedList } from '../plan/sorted-list.js';
import type { Fit } from './first-fit.js';

/**
 * Best-fit placement step by step: a block that begins takes the smallest free stretch that holds it. Blocks of one size
 * get the smallest arena possible; those of several leave gaps. Takes time in proportion to their number, nearly.
 */
export function sweep(lifetimes: readonly Lifetime[]): Fit {
  const offsets = new Float64Array(lifetimes.length);
  const free = new FreeBytes();
  const starting = [...lifetimes.keys()].filter((index) => at(lifetimes, index).bytes > 0);
  const ending = starting.toSorted((a, b) => at(lifetimes, a).last - at(lifetimes, b).last);
  starting.sort((a, b) => at(lifetimes, a).first - at(lifetimes, b).first || a - b);
  let ended = 0;
  for (const index of starting) {
    const { first, bytes } = at(lifetimes, index);
    for (let next = at(ending, ended); at(lifetimes, next).last < first; next = at(ending, ended)) {
      free.give(at(offsets, next), at(lifetimes, next).bytes);
      ended++;
    }
    offsets[index] = free.take(bytes);
  }
  return { offsets, bytes: free.most };
}

interface Gap {
  readonly start: number;
  readonly end: number;
}

/** The gaps of one size. */
interface GapsOfSize {
  readonly size: number;
  readonly starts: Set<number>;
}

/** The free stretches of an arena, which grows as needed. */
class FreeBytes {
  /** The size of the arena. */
  most = 0;
  readonly #gaps = new SortedList<Gap>(({ start }) => start);
  readonly #sizes = new SortedList<GapsOfSize>(({ size }) => size);

  take(bytes: number): number {
    const found = this.#sizes.ceiling(bytes);
    const [start] = found?.starts ?? [];
    if (found && start !== undefined) {
      this.#remove({ start, end: start + found.size });
      if (found.size > bytes) this.#add({ start: start + bytes, end: start + found.size });
      return start;
    }
    const last = this.#gaps.floor(this.most);
    const offset = last?.end === this.most ? last.start : this.most;
    if (last && offset === last.start) this.#remove(last);
    this.most = offset + bytes;
    return offset;
  }

  give(start: number, bytes: number): void {
    let gap: Gap = { start, end: start + bytes };
    const [below, above] = [this.#gaps.floor(start), this.#gaps.ceiling(gap.end)];
    if (below?.end === gap.start) {
      this.#remove(below);
      gap = { start: below.start, end: gap.end };
    }
    if (above && above.start === gap.end) {
      this.#remove(above);
      gap = { start: gap.start, end: above.end };
    }
    this.#add(gap);
  }

  #add(gap: Gap): void {
    this.#gaps.insert(gap);
    const size = gap.end - gap.start;
    const known = this.#sizes.floor(size);
    if (known?.size === size) known.starts.add(gap.start);
    else this.#sizes.insert({ size, starts: new Set([gap.start]) });
  }

  #remove({ start, end }: Gap): void {
    this.#gaps.delete(start);
    const known = this.#sizes.floor(end - start);
    known?.starts.delete(start);
    if (known?.starts.size === 0) this.#sizes.delete(end - start);
  }
}
