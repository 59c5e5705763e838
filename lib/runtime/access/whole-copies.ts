import { type Compiled, compileGraph } from '../../compile/compile.js';
import { at } from '../../graph/at.js';
import { allocate, type TypedArray } from '../../graph/dtype.js';
import type { Variable } from '../../graph/leaf.js';
import { sameItems } from '../../graph/same-items.js';
import type { Storage } from '../../graph/storage.js';
import { bindTo, ownMemory } from '../bind.js';
import { Executable } from '../executable.js';
import { nativeKernels } from '../native-kernels.js';
import type { Gate } from './gate.js';

/** Bytes that are copied on this thread: a tenth of a millisecond. */
export const FEW_BYTES = 2 ** 20;

/**
 * Copies of variables, so that a long run need not keep those who train them waiting. Their memory is kept until the
 * training ends.
 */
export class WholeCopies {
  #copies = new Map<Storage, TypedArray>();
  #copier: Copier | undefined;

  /** @param gates of those who train the variables */
  constructor(
    private readonly variables: readonly Variable[],
    private readonly gates: readonly Gate[],
  ) {
    for (const gate of gates) gate.atEnd.add(this.#drop);
  }

  /** True if these are copies of the same variables, made while the same trainings go on. */
  isOf(variables: readonly Variable[], gates: readonly Gate[]): boolean {
    return sameItems(variables, this.variables) && sameItems(gates, this.gates);
  }

  /** Copies the present values, on another thread if there are many. Returns the memory of the copies. */
  async take(): Promise<(storage: Storage) => TypedArray> {
    // Those of this call, also if the training ends and drops them while it copies.
    const byStorage = this.#copies;
    const copies = this.variables.map(({ storage, dtype, size }) => {
      const copy = byStorage.get(storage) ?? allocate(dtype, size);
      byStorage.set(storage, copy);
      return copy;
    });
    const bytes = copies.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (bytes > FEW_BYTES) {
      this.#copier ??= new Copier(this.variables);
      await this.#copier.copyTo(copies);
    } else {
      this.variables.forEach(({ storage }, i) => {
        at(copies, i).set(storage.data);
      });
    }
    return (storage) => byStorage.get(storage) ?? storage.data;
  }

  release(): void {
    for (const gate of this.gates) gate.atEnd.delete(this.#drop);
    this.#drop();
  }

  readonly #drop = (): void => {
    // Not cleared, since a run may still read them.
    this.#copies = new Map();
  };
}

/** A plan that copies variables. */
class Copier {
  readonly #compiled: Compiled;
  readonly #executable: Executable;

  constructor(variables: readonly Variable[]) {
    this.#compiled = compileGraph({ inputs: [], outputs: variables }, nativeKernels);
    this.#executable = new Executable(this.#compiled.plan);
  }

  async copyTo(copies: readonly TypedArray[]): Promise<void> {
    const bindings = bindTo(copies, this.#compiled, ownMemory);
    await this.#executable.runAsync(bindings, { seed: 0, step: 0 });
  }
}
