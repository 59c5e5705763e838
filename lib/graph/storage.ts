import { allocate, type DType, type TypedArray } from './dtype.js';
import { invalid } from './errors.js';
import { type Shape, sizeOf } from './shapes.js';

/**
 * The memory of a variable: shared between threads, so that workers read and write it in place. Filled on first use,
 * because an initialiser may depend on a seed that is known only later.
 */
export class Storage {
  #data: TypedArray | undefined;
  #fill: ((data: TypedArray) => void) | undefined;

  constructor(
    readonly shape: Shape,
    readonly dtype: DType,
    fill?: (data: TypedArray) => void,
  ) {
    this.#fill = fill;
  }

  /** True once the memory has been filled. */
  get initialised(): boolean {
    return this.#data !== undefined;
  }

  get data(): TypedArray {
    if (!this.#data) {
      const data = allocate(this.dtype, sizeOf(this.shape), { shared: true });
      this.#fill?.(data);
      this.#data = data;
      this.#fill = undefined;
    }
    return this.#data;
  }

  /** Moves the values into other shared memory of the same dtype and length, which is used from now on. */
  moveTo(memory: TypedArray): void {
    if (memory.length !== sizeOf(this.shape)) {
      throw invalid('variable', `memory must hold ${sizeOf(this.shape)} elements`, memory.length);
    }
    memory.set(this.data);
    this.#data = memory;
  }
}
