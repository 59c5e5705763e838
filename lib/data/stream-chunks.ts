import { setImmediate as nextTurn } from 'node:timers/promises';
import { failed, invalid, messageOf } from '../graph/errors.js';
import type { AnyStream, OpenStream, StreamItem } from './stream.js';
import type { StreamMemory } from './stream-memory.js';

/** Consecutive items of a stream, in one half of its memory. */
export interface Chunk {
  /** Row of the first item. */
  readonly start: number;
  readonly count: number;
  /** Number of the first item, among those that were not left out. */
  readonly firstItem: number;
  /** Number of items left out between the first and the last. */
  readonly skipped: number;
}

/** Milliseconds after which other work of the thread gets its turn. */
const TURN_MS = 5;

type ItemIterator = AsyncIterator<StreamItem> | Iterator<StreamItem>;

/** Takes the items of one epoch from a stream, half a memory at a time and no further ahead. */
export class StreamChunks {
  #iterator: ItemIterator | undefined;
  #filling: Promise<Chunk> | undefined;
  #start = 0;
  #kept = 0;
  #taken = 0;
  #pulling = false;
  #ended = false;
  /** Why the first item that was left out did not fit. */
  #misfit: string | undefined;

  /** @param passed number of good items at the start to discard, because an earlier run has trained on them */
  constructor(
    private readonly stream: AnyStream,
    private readonly memory: StreamMemory,
    private readonly epoch: number,
    private readonly passed = 0,
  ) {}

  /**
   * The next items, or null at the end. The items of the call before are overwritten from then on.
   *
   * @throws (rejects) if the iterable fails, or an item is bad and may not be skipped
   */
  async next(): Promise<Chunk | null> {
    const chunk = await (this.#filling ?? this.#fill());
    if (chunk.count === 0) return null;
    this.#start = this.memory.half - chunk.start;
    this.#filling = this.#fill();
    // The next call reports the error; without one it does not matter.
    this.#filling.catch(() => {});
    return chunk;
  }

  /** The rule that an epoch without items breaks, with what may be the reason. */
  get emptyRule(): string {
    const rule = 'an epoch must have at least one item';
    if (this.#misfit !== undefined)
      return `${rule} that fits; all ${this.#taken} were left out (${this.#misfit})`;
    return this.epoch > 1 ? `${rule}; open must return a new iterable for each epoch` : rule;
  }

  /** Takes no more items and closes the iterable, without waiting for one that does not answer. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const returned = Promise.resolve(this.#iterator?.return?.());
    if (this.#pulling) returned.catch(() => {});
    else await returned;
  }

  async #fill(): Promise<Chunk> {
    const start = this.#start;
    const firstItem = Math.max(this.#kept, this.passed);
    let skipped = 0;
    let turn = performance.now();
    let count = 0;
    while (count < this.memory.half && !this.#ended) {
      const item = await this.#pull();
      if (item === undefined) break;
      const good = this.#write(start + count, item, this.#taken++);
      const passes = this.#kept < this.passed;
      if (good) this.#kept++;
      if (!passes) {
        if (good) count++;
        else skipped++;
      }
      if (performance.now() - turn > TURN_MS) {
        await nextTurn();
        turn = performance.now();
      }
    }
    return { start, count, firstItem, skipped };
  }

  async #pull(): Promise<StreamItem | undefined> {
    this.#pulling = true;
    try {
      this.#iterator ??= iteratorOf(await this.stream.open({ epoch: this.epoch }));
      const { done, value } = await this.#iterator.next();
      if (!done) return value;
      this.#ended = true;
      return undefined;
    } catch (cause) {
      this.#ended = true;
      const expected = `item ${this.#taken} could not be read: ${messageOf(cause)}`;
      throw failed('ERR_CHAINRULE_BAD_ITEM', 'stream', expected, { cause });
    } finally {
      this.#pulling = false;
    }
  }

  /** True if an item was written; false if it was bad and is left out. */
  #write(row: number, item: StreamItem, index: number): boolean {
    try {
      this.memory.write(row, item, index);
      return true;
    } catch (error) {
      if (this.stream.onBadItem === 'error') throw error;
      this.#misfit ??= messageOf(error);
      return false;
    }
  }
}

function iteratorOf(source: Awaited<ReturnType<OpenStream>>): ItemIterator {
  if (typeof source === 'object' && source !== null) {
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return source[Symbol.iterator]();
  }
  throw invalid('stream', 'open must give an iterable', source);
}
