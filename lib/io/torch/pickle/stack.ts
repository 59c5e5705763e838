import type { Cursor } from './cursor.js';

/** The values that the instructions of a pickle work on, and the marks between them. */
export class Stack {
  readonly #cursor: Cursor;
  readonly #values: unknown[] = [];
  /** How many values lay below each mark. What is below the last one may not be taken. */
  readonly #marks: number[] = [];

  /** @param cursor says where an instruction fails */
  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  get length(): number {
    return this.#values.length;
  }

  push(value: unknown): void {
    this.#values.push(value);
  }

  mark(): void {
    this.#marks.push(this.#values.length);
  }

  pop(): unknown {
    return this.popItems(1)[0];
  }

  popItems(count: number): unknown[] {
    this.#require(count);
    return this.#values.splice(this.#values.length - count, count);
  }

  /** Takes the values above the last mark, and the mark. */
  popMark(): unknown[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.#cursor.error('a mark is missing on the stack');
    return this.#values.splice(mark);
  }

  /** Takes the last value, or the mark if it is the last. */
  drop(): void {
    if (this.#values.length === this.#marks.at(-1)) this.#marks.pop();
    else this.pop();
  }

  top(): unknown {
    this.#require(1);
    return this.#values.at(-1);
  }

  #require(count: number): void {
    const above = this.#values.length - (this.#marks.at(-1) ?? 0);
    if (above < count) throw this.#cursor.error('values are missing on the stack');
  }
}
