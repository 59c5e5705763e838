import type { Block } from '../plan/plan.js';
import { SortedList } from '../plan/sorted-list.js';

/** A sweep over the steps of a plan that keeps the live blocks of the arena, ordered by offset. */
export class LiveBlocks {
  readonly #live = new SortedList<Block>(({ offset }) => offset);
  readonly #starting: readonly Block[];
  readonly #ending: readonly Block[];
  #started = 0;
  #ended = 0;

  constructor(blocks: readonly Block[]) {
    // Blocks without bytes or without steps hold nothing and overlap nothing.
    const real = blocks.filter(({ bytes, first, last }) => bytes > 0 && first <= last);
    this.#starting = real.toSorted((a, b) => a.first - b.first);
    this.#ending = real.toSorted((a, b) => a.last - b.last);
  }

  /**
   * Advances to a step, which must not precede the current one.
   *
   * @throws Error if two live blocks overlap
   */
  advance(step: number): void {
    for (let next = this.#starting[this.#started]; next && next.first <= step; ) {
      this.#endBefore(next.first);
      this.#start(next);
      next = this.#starting[++this.#started];
    }
    this.#endBefore(step);
  }

  /** Advances to the start of the last block. */
  finish(): void {
    this.advance(this.#starting.at(-1)?.first ?? 0);
  }

  /** True if a single live block holds the bytes from `low` to below `high`. */
  holds(low: number, high: number): boolean {
    const block = this.#live.floor(low);
    return block !== undefined && high <= block.offset + block.bytes;
  }

  #start(block: Block): void {
    for (const other of [this.#live.floor(block.offset), this.#live.ceiling(block.offset)]) {
      if (!other) continue;
      const apart = other.offset + other.bytes <= block.offset || block.offset + block.bytes <= other.offset;
      if (!apart) {
        const [a, b] = [Math.min(other.offset, block.offset), Math.max(other.offset, block.offset)];
        throw new Error(`verify: blocks at ${a} and ${b} overlap while both are alive`);
      }
    }
    this.#live.insert(block);
  }

  #endBefore(step: number): void {
    for (let next = this.#ending[this.#ended]; next && next.last < step; next = this.#ending[++this.#ended]) {
      this.#live.delete(next.offset);
    }
  }
}
