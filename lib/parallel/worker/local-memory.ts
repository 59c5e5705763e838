import { allocate, type DType, type TypedArray } from '../../graph/dtype.js';
import { Arena } from '../../runtime/arena.js';

/** A worker's own memory, for plans that never run at the same time: an arena, and arrays by name, dtype and size. */
export class LocalMemory {
  readonly arena = new Arena();
  readonly #arrays = new Map<string, TypedArray>();

  array(name: string, dtype: DType, elements: number): TypedArray {
    const key = `${name}/${dtype}/${elements}`;
    let array = this.#arrays.get(key);
    if (!array) {
      array = allocate(dtype, elements);
      this.#arrays.set(key, array);
    }
    return array;
  }
}

/** All memory of one worker: one instance for each shard that runs together; the first also serves all other plans. */
export class WorkerMemory {
  readonly #instances: LocalMemory[] = [];

  instance(index: number): LocalMemory {
    this.#instances[index] ??= new LocalMemory();
    return this.#instances[index];
  }
}
