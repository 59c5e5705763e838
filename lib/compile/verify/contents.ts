import { at } from '../../graph/at.js';
import { partitionPoint } from '../plan/partition-point.js';

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

/** The contents of an arena while steps run, as byte ranges in ascending order; bytes in none were never written. */
export class Contents {
  readonly #ranges: Range[] = [];

  /** Writes the bytes from `low` to below `high`. */
  write(low: number, high: number, content: Content): void {
    const first = this.#endingBehind(low);
    let end = first;
    const rest: Range[] = [];
    for (let old = this.#ranges[end]; old && old.low < high; old = this.#ranges[++end]) {
      if (old.low < low) rest.push({ ...old, high: low });
      if (old.high > high) rest.push({ ...old, low: high });
    }
    const index = rest.findIndex((range) => range.low >= high);
    rest.splice(index < 0 ? rest.length : index, 0, { ...content, low, high });
    this.#ranges.splice(first, end - first, ...rest);
  }

  /** The first content from `low` to below `high` that is not of the given buffer; null for bytes never written. */
  other(low: number, high: number, { buffer, start }: Omit<Content, 'step'>): Content | null | undefined {
    let reached = low;
    for (let index = this.#endingBehind(low); reached < high; index++) {
      const range = this.#ranges[index];
      if (!range || range.low > reached) return null;
      if (range.buffer !== buffer || range.start !== start) return range;
      reached = range.high;
    }
    return undefined;
  }

  /** The index of the first range that ends behind a byte. */
  #endingBehind(byte: number): number {
    return partitionPoint(this.#ranges.length, (index) => at(this.#ranges, index).high <= byte);
  }
}
