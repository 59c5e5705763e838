import type { Block } from './plan.js';

/** The blocks of an arena that are alive at a step, in the order of their offsets, while the steps go by. */
export class LiveBlocks {
  readonly #live: Block[] = [];
  readonly #starting: readonly Block[];
  readonly #ending: readonly Block[];
  #started = 0;
  #ended = 0;

  constructor(blocks: readonly Block[]) {
    // Blocks without bytes or without steps hold nothing, and overlap with nothing.
    const real = blocks.filter(({ bytes, first, last }) => bytes > 0 && first <= last);
    this.#starting = real.toSorted((a, b) => a.first - b.first);
    this.#ending = real.toSorted((a, b) => a.last - b.last);
  }

  /** Goes on to a step, which lies behind those before. A block that overlaps with one that is alive is a fault. */
  advance(step: number): void {
    for (let next = this.#starting[this.#started]; next && next.first <= step; ) {
      this.#endBefore(next.first);
      this.#start(next);
      next = this.#starting[++this.#started];
    }
    this.#endBefore(step);
  }

  /** Goes on until no block is left that starts later. */
  finish(): void {
    this.advance(this.#starting.at(-1)?.first ?? 0);
  }

  /** Whether one block that is alive holds the bytes from `low` to `high`. */
  holds(low: number, high: number): boolean {
    const block = this.#live[this.#behind(low) - 1];
    return block !== undefined && high <= block.offset + block.bytes;
  }

  #start(block: Block): void {
    const at = this.#behind(block.offset);
    const [below, above] = [this.#live[at - 1], this.#live[at]];
    for (const other of [below, above]) {
      if (!other) continue;
      const apart = other.offset + other.bytes <= block.offset || block.offset + block.bytes <= other.offset;
      if (!apart) {
        const [a, b] = [Math.min(other.offset, block.offset), Math.max(other.offset, block.offset)];
        throw new Error(`verify: blocks at ${a} and ${b} overlap while both are alive`);
      }
    }
    this.#live.splice(at, 0, block);
  }

  #endBefore(step: number): void {
    for (let next = this.#ending[this.#ended]; next && next.last < step; next = this.#ending[++this.#ended]) {
      this.#live.splice(this.#behind(next.offset) - 1, 1);
    }
  }

  /** How many of the live blocks start at an offset or below. No two start at the same one. */
  #behind(offset: number): number {
    let [low, high] = [0, this.#live.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#live[middle] as Block).offset <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
