import { at } from '../../graph/at.js';
import { partitionPoint } from './partition-point.js';

/** Most items of a chunk: an insertion moves no more than these. */
const CHUNK = 256;

/**
 * Items in ascending order of a key that no two of them share. Takes time that grows with the logarithm of their number
 * to find, insert or delete one: they are kept in chunks, since an insertion into a single array moves half of it.
 */
export class SortedList<T> {
  /** None is empty. */
  readonly #chunks: T[][] = [];
  #size = 0;

  constructor(private readonly keyOf: (item: T) => number) {}

  get size(): number {
    return this.#size;
  }

  /** The last item whose key is at most `key`. */
  floor(key: number): T | undefined {
    const { chunk, place } = this.#behind(key);
    return this.#chunks[chunk]?.[place - 1];
  }

  /** The first item whose key is at least `key`. */
  ceiling(key: number): T | undefined {
    const { chunk, place } = this.#behind(key);
    const before = this.#chunks[chunk]?.[place - 1];
    if (before !== undefined && this.keyOf(before) === key) return before;
    return this.#chunks[chunk]?.[place] ?? this.#chunks[chunk + 1]?.[0];
  }

  insert(item: T): void {
    const { chunk, place } = this.#behind(this.keyOf(item));
    const items = this.#chunks[chunk];
    this.#size++;
    if (!items) {
      this.#chunks.push([item]);
      return;
    }
    items.splice(place, 0, item);
    if (items.length > CHUNK) this.#chunks.splice(chunk + 1, 0, items.splice(CHUNK / 2));
  }

  /** Deletes the item of that key, if there is one. */
  delete(key: number): void {
    const { chunk, place } = this.#behind(key);
    const items = this.#chunks[chunk];
    if (!items || place === 0 || this.keyOf(at(items, place - 1)) !== key) return;
    items.splice(place - 1, 1);
    this.#size--;
    if (items.length === 0) this.#chunks.splice(chunk, 1);
  }

  *[Symbol.iterator](): Generator<T> {
    for (const chunk of this.#chunks) yield* chunk;
  }

  /** The chunk that a key belongs to, and the number of its items whose key is at most this one. */
  #behind(key: number): { chunk: number; place: number } {
    const begins = (chunk: number) => this.keyOf(at(at(this.#chunks, chunk), 0)) <= key;
    const chunk = Math.max(0, partitionPoint(this.#chunks.length, begins) - 1);
    const items = this.#chunks[chunk] ?? [];
    return { chunk, place: partitionPoint(items.length, (i) => this.keyOf(at(items, i)) <= key) };
  }
}
