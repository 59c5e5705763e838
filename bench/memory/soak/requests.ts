/** Random choices, the same for the same seed (mulberry32). */
export class Choices {
  constructor(private state: number) {}

  /** A number from 0 up to but excluding 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from 1 to `most`. */
  upTo(most: number): number {
    return 1 + Math.floor(this.next() * most);
  }

  /** Small numbers of either sign. */
  values(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => this.next() - 0.5);
  }
}
