import { invalid } from '../../graph/errors.js';
import type { Variable } from '../../graph/leaf.js';
import type { WriteClaim } from '../../graph/storage.js';
import type { Gate } from './gate.js';
import { enter, leave, nameOf, otherKeeper, writing } from './lock.js';
import { noteWrite } from './writes.js';

/** A call's right to be the only one that writes variables, such as the parameters that `fit` trains. */
export class Claim implements WriteClaim {
  #active = true;
  #gate: Gate | undefined;
  readonly #variables: Variable[] = [];
  readonly #kept: Variable[] = [];

  constructor(readonly op: string) {}

  get active(): boolean {
    return this.#active;
  }

  /** The gate of the worker threads that write the variables; undefined while there are none. */
  get gate(): Gate | undefined {
    return this.#gate;
  }

  /** The variables that the call may write. */
  get variables(): readonly Variable[] {
    return this.#variables;
  }

  /** @throws if another call claims or keeps one of the variables */
  take(variables: readonly Variable[]): void {
    for (const variable of variables) {
      const { claim, keepers } = variable.storage.use;
      const keeper = otherKeeper(keepers, this);
      if (keeper)
        throw invalid(
          this.op,
          `${nameOf(variable)} is read by another call of ${keeper.op}; wait for its end`,
        );
      if (claim === undefined || claim === this) continue;
      throw invalid(
        this.op,
        `${nameOf(variable)} is being trained by another call of ${claim.op}; wait for its end`,
      );
    }
    for (const variable of variables) {
      if (variable.storage.use.claim === this) continue;
      variable.storage.use.claim = this;
      this.#variables.push(variable);
    }
  }

  /** Keeps others from writing variables that the call reads all the time, unless another call claims them. */
  keep(variables: readonly Variable[]): void {
    for (const variable of variables) {
      const { use } = variable.storage;
      if (use.claim !== undefined || use.keepers.includes(this)) continue;
      use.keepers = [...use.keepers, this];
      this.#kept.push(variable);
    }
  }

  /** Waits until those are done who have begun to write what is kept. */
  async settled(): Promise<void> {
    const uses = { reads: this.#kept, writes: [] };
    await enter(this.op, uses);
    leave(uses);
  }

  /** Runs a task that writes variables, while nobody else uses them. */
  writing<R>(variables: readonly Variable[], task: () => R | Promise<R>): Promise<R> {
    return writing(this.op, variables, task, this);
  }

  /** From now on worker threads may write the variables while they have closed the gate. */
  async share(gate: Gate): Promise<void> {
    await this.writing(this.#variables, () => {
      this.#gate = gate;
    });
  }

  /** Lets others write, between two epochs. */
  rest(): void {
    this.#active = false;
  }

  /** Ends a rest, once those have written who have begun to. */
  async resume(): Promise<void> {
    this.#active = true;
    await this.writing(this.#variables, () => {});
    await this.settled();
  }

  /** Notes that the variables are not whole, and will not be. */
  breakUp(reason: string): void {
    for (const { storage } of this.#variables) storage.use.broken = reason;
    noteWrite(this.#variables);
    this.#gate?.open();
  }

  /** Ends the claim, once no thread writes any more. */
  release(): void {
    this.#gate?.end();
    this.#gate = undefined;
    // The updates behind the gate can be counted no more.
    noteWrite(this.#variables);
    for (const { storage } of this.#variables.splice(0)) storage.use.claim = undefined;
    for (const { storage } of this.#kept.splice(0)) {
      storage.use.keepers = storage.use.keepers.filter((keeper) => keeper !== this);
    }
  }
}

/** The gates of the threads that train some of the variables. */
export function gatesOf(variables: readonly Variable[]): Gate[] {
  let gates: Set<Gate> | undefined;
  for (const { storage } of variables) {
    const gate = (storage.use.claim as Claim | undefined)?.gate;
    if (gate) gates = (gates ?? new Set()).add(gate);
  }
  return gates ? [...gates] : [];
}
