import { SortedList } from '../plan/sorted-list.js';

/** What bytes of the arena hold: a part of a buffer, as a step wrote it. */
export interface Content {
  readonly buffer: number;
  /** Where the buffer begins in the arena, if these bytes are the part of it that they should be. */
  readonly start: number;
  /** The step that wrote the bytes. */
  readonly step: number;
}

interface Range extends Content {
  readonly low: number;
  readonly high: number;
}

/** The contents of an arena while steps run, as byte ranges that do not overlap; bytes in none were never written. */
export class Contents {
  readonly #ranges = new SortedList<Range>(({ low }) => low);

  /** Writes the bytes from `low` to below `high`. */
  write(low: number, high: number, content: Content): void {
    if (low >= high) return;
    const before = this.#ranges.floor(low);
    if (before && before.high > low) this.#cut(before, low, high);
    for (let old = this.#ranges.ceiling(low); old && old.low < high; old = this.#ranges.ceiling(low)) {
      this.#cut(old, low, high);
      // What is left of it stands behind the bytes that are written.
      if (old.high > high) break;
    }
    this.#ranges.insert({ ...content, low, high });
  }

  /** The first content from `low` to below `high` that is not of the given buffer; null for bytes never written. */
  other(low: number, high: number, { buffer, start }: Omit<Content, 'step'>): Content | null | undefined {
    for (let reached = low; reached < high; ) {
      const range = this.#ranges.floor(reached);
      if (!range || range.high <= reached) return null;
      if (range.buffer !== buffer || range.start !== start) return range;
      reached = range.high;
    }
    return undefined;
  }

  /** Leaves of a range what lies outside of the bytes from `low` to below `high`. */
  #cut(range: Range, low: number, high: number): void {
    this.#ranges.delete(range.low);
    if (range.low < low) this.#ranges.insert({ ...range, high: low });
    if (range.high > high) this.#ranges.insert({ ...range, low: high });
  }
}
