import { at } from '../../graph/at.js';
import type { Module } from '../../nn/index.js';
import { AverageExchange } from '../../optim/averages.js';
import type { Optimizer } from '../../optim/index.js';
import {
  attachParameters,
  type FlatParameters,
  flattenParameters,
  isOutdated,
} from '../../parallel/prepare/flat-parameters.js';
import {
  averagedValues,
  carryOver,
  type OptimizerMemory,
  optimizerMemory,
  tensorsOf,
} from '../../parallel/prepare/optimizer-memory.js';
import { viewInto } from '../../parallel/protocol/shared-memory.js';

/** The shared memory of a trainer: the model's parameters and buffers, and the optimiser's state. */
export class TrainerMemory {
  #parameters: FlatParameters;
  #memory: OptimizerMemory;
  readonly #averages = new AverageExchange(() => {
    const { average } = this.#memory;
    return average ? averagedValues(this.#parameters, average) : [];
  });

  constructor(
    private readonly model: Module,
    private readonly optimizer: Optimizer,
  ) {
    this.#parameters = this.#flatten();
    this.#memory = optimizerMemory(this.#parameters, optimizer);
  }

  /**
   * The memory, with the model attached to it. It gets a new layout if parameters were frozen or unfrozen since;
   * parameters that are still trained keep their optimiser state.
   */
  current(): { parameters: FlatParameters; memory: OptimizerMemory } {
    if (isOutdated(this.#parameters, this.model.parameters())) {
      const before = { flat: this.#parameters, memory: this.#memory };
      this.#parameters = this.#flatten();
      this.#memory = optimizerMemory(this.#parameters, this.optimizer);
      carryOver(before, { flat: this.#parameters, memory: this.#memory });
    }
    attachParameters(this.#parameters);
    return { parameters: this.#parameters, memory: this.#memory };
  }

  /** The memory as it is; valid also while workers use it. */
  inUse(): { parameters: FlatParameters; memory: OptimizerMemory } {
    return { parameters: this.#parameters, memory: this.#memory };
  }

  /** Copies the present contents of the memory; the returned function restores them. */
  keep(): () => void {
    const kept = [this.#parameters.memory, ...tensorsOf(this.#memory)].map((shared) => viewInto(shared));
    const copies = kept.map((values) => values.slice());
    return () => {
      kept.forEach((values, i) => {
        values.set(at(copies, i));
      });
    };
  }

  /** True while the parameters hold their averages. */
  get holdsAverages(): boolean {
    return this.#averages.active;
  }

  /** Runs a function while the parameters hold their averages. */
  withAverages<R>(fn: () => R | Promise<R>): Promise<R> {
    return this.#averages.run(fn);
  }

  #flatten(): FlatParameters {
    const buffers = this.model.namedBuffers().map(([, buffer]) => buffer);
    return flattenParameters(this.model.parameters(), buffers, this.optimizer);
  }
}
