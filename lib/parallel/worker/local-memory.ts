import { allocate, type DType, type TypedArray } from '../../graph/dtype.js';
import { addon } from '../../runtime/addon.js';
import { Arena } from '../../runtime/arena.js';

/**
 * A worker's own memory, for plans that never run at the same time: an arena, and arrays by name and dtype. Arrays of one
 * name begin at the same place, as those of batches of different sizes.
 */
export class LocalMemory {
  readonly arena = new Arena();
  /** The longest array of each name and dtype. */
  readonly #longest = new Map<string, TypedArray>();

  array(name: string, dtype: DType, elements: number): TypedArray {
    const key = `${name}/${dtype}`;
    const longest = this.#longest.get(key);
    if (longest && longest.length >= elements) return longest.subarray(0, elements);
    const array = allocate(dtype, elements);
    this.#longest.set(key, array);
    return array;
  }

  /** Gives back the arena, and the arrays once no plan is bound to them. */
  release(): void {
    this.arena.release();
    this.#longest.clear();
  }
}

/** All memory of one worker: one instance for each shard that runs together; the first also serves all other plans. */
export class WorkerMemory {
  readonly #instances: LocalMemory[] = [];

  instance(index: number): LocalMemory {
    this.#instances[index] ??= new LocalMemory();
    return this.#instances[index];
  }

  /** Announces a run of plans of some bytes: see `Arena`. */
  announce(bytes: number): void {
    for (const { arena } of this.#instances) arena.announce(bytes);
  }

  /** Gives back all memory to the system that no plan is bound to. Plans that run later take what they need. */
  release(): void {
    for (const instance of this.#instances) instance.release();
    addon().trimMemory();
  }
}
