import { allocate, type DType, type TypedArray } from './dtype.js';
import { invalid } from './errors.js';
import { type Shape, sizeOf } from './shapes.js';

/** A call that trains variables: nobody else may write to them until it ends. */
export interface WriteClaim {
  /** Name of the call, for errors. */
  readonly op: string;
  /** False while nothing changes the variables, because the call has handed control back to its caller. */
  readonly active: boolean;
}

/** Who uses the memory of a variable. Only `lib/runtime/access` changes it. */
export interface StorageUse {
  /** Number of readers. */
  readers: number;
  /** True while somebody writes, or waits for the readers in order to write. */
  writing: boolean;
  claim: WriteClaim | undefined;
  /** The calls that read the memory all the time without training the variable: nobody may write to it meanwhile. */
  keepers: readonly WriteClaim[];
  /** Why the values are not to be used, if they are not: a part of them has made one step more. */
  broken: string | undefined;
  /** Number of the last write to the variable, among all writes on this thread. */
  version: number;
}

/**
 * The memory of a variable: shared between threads, so that workers read and write it in place. Filled on first use,
 * because an initialiser may depend on a seed that is known only later.
 */
export class Storage {
  #data: TypedArray | undefined;
  #fill: ((data: TypedArray) => void) | undefined;
  readonly use: StorageUse = {
    readers: 0,
    writing: false,
    claim: undefined,
    keepers: [],
    broken: undefined,
    version: 0,
  };

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

  /**
   * The raw memory, without any waiting: while a call trains the variable, these are values in the middle of a step.
   * `tensor.data()`, `module.save()` and functions of `compile` see those of one whole step.
   */
  get data(): TypedArray {
    if (!this.#data) {
      const data = this.allocate();
      this.#fill?.(data);
      this.#data = data;
      this.#fill = undefined;
    }
    return this.#data;
  }

  /** New memory for all values, which `adopt` takes once they are there. */
  prepare(): TypedArray {
    return this.allocate();
  }

  /**
   * Sets all values, which are whole from then on. Memory of `prepare` becomes the variable's own if it has none yet, and so
   * no values are drawn.
   */
  adopt(prepared: TypedArray): void {
    // A thread that did not end may still write to memory that it left broken.
    if (this.#data && this.use.broken === undefined) this.#data.set(prepared);
    else this.#data = prepared;
    this.#fill = undefined;
    this.use.broken = undefined;
  }

  /** Moves the values into other shared memory of the same dtype and length, which is used from now on. */
  moveTo(memory: TypedArray): void {
    if (memory.length !== sizeOf(this.shape)) {
      throw invalid('variable', `memory must claim ${sizeOf(this.shape)} elements`, memory.length);
    }
    memory.set(this.data);
    this.#data = memory;
  }

  /** New memory for the values. */
  protected allocate(): TypedArray {
    return allocate(this.dtype, sizeOf(this.shape), { shared: true });
  }
}
