/** A range of a list that is merged already: the `1 << level` items from `index << level` on, or fewer at the end. */
interface Range {
  readonly level: number;
  readonly index: number;
}

/**
 * Merges the items of a list in a fixed binary tree: neighbours in pairs, then pairs of pairs, and what is left over
 * joins at the end: ((0 + 1) + (2 + 3)) + 4. Each side of a cut in the list merges as much of the tree as it can, and
 * whoever has both continues, so that the result does not depend on the cut. What is not merged yet lies on a stack.
 */
export class MergeOrder {
  readonly #held: Range[] = [];

  /**
   * @param count length of the list
   * @param merge merges place `place + 1` of the stack into place `place`
   */
  constructor(
    private readonly count: number,
    private readonly merge: (place: number) => void,
  ) {}

  /** Place of the stack where the next item goes. */
  get next(): number {
    return this.#held.length;
  }

  /** Takes up the item that was put on the stack, and merges what is complete. Items come in their order. */
  add({ level, index }: Range): void {
    let range = { level, index };
    while (range.index > 0 || 2 ** range.level < this.count) {
      const sibling = { level: range.level, index: range.index ^ 1 };
      if (sibling.index * 2 ** sibling.level < this.count) {
        const last = this.#held.at(-1);
        // A right sibling comes later, if at all.
        if (range.index % 2 === 0 || last?.level !== sibling.level || last.index !== sibling.index) break;
        this.#held.pop();
        this.merge(this.#held.length);
      }
      range = { level: range.level + 1, index: range.index >> 1 };
    }
    this.#held.push(range);
  }
}

/** What `MergeOrder` leaves of the items from `start` to `end` (exclusive), in the order of its stack. */
export function mergedRanges(count: number, start: number, end: number): Range[] {
  const ranges: Range[] = [];
  for (let at = start; at < end; ) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && Math.min(at + 2 ** (level + 1), count) <= end && 2 ** level < count)
      level++;
    ranges.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return ranges;
}

/** Most places of the stack for a run of `count` items, wherever it lies in the list. */
export function mergePlaces(count: number): number {
  return 2 * Math.ceil(Math.log2(count + 1)) + 1;
}
