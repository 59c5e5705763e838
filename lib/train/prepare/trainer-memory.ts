import { at } from '../../graph/at.js';
import { invalid } from '../../graph/errors.js';
import type { Variable } from '../../graph/leaf.js';
import type { AnyModule } from '../../nn/index.js';
import { AverageExchange } from '../../optim/averages.js';
import type { Optimizer } from '../../optim/index.js';
import { attachParameters, isAttached } from '../../parallel/prepare/attach-parameters.js';
import {
  detachedFrom,
  type FlatParameters,
  flattenParameters,
  isOutdated,
} from '../../parallel/prepare/flat-parameters.js';
import {
  averagedValues,
  carryOver,
  type OptimizerMemory,
  optimizerMemory,
  startAverages,
  tensorsOf,
} from '../../parallel/prepare/optimizer-memory.js';
import { viewInto } from '../../parallel/protocol/shared-memory.js';
import { Claim } from '../../runtime/access/claim.js';
import { enter, leave, nameOf, requireReadable } from '../../runtime/access/lock.js';

/** The memory of a trainer's parameters, and of the optimiser's state. */
export interface TrainedMemory {
  readonly parameters: FlatParameters;
  readonly memory: OptimizerMemory;
}

/** The shared memory of a trainer: the model's parameters and buffers, and the optimiser's state. */
export class TrainerMemory {
  #parameters: FlatParameters;
  #memory: OptimizerMemory;
  /** Parameters whose averages begin with the next training. */
  #unaveraged: readonly Variable[];
  readonly #averages = new AverageExchange(() => {
    const { average } = this.#memory;
    return average ? averagedValues(this.#parameters, average) : [];
  });

  constructor(
    private readonly model: AnyModule,
    private readonly optimizer: Optimizer,
  ) {
    this.#parameters = this.#flatten();
    this.#memory = optimizerMemory(this.#parameters, optimizer);
    this.#unaveraged = this.#parameters.parameters;
  }

  /**
   * The memory as it will be used. It gets a new layout if parameters were frozen or unfrozen since; parameters that are
   * still trained keep their optimiser state.
   */
  current(): TrainedMemory {
    if (isOutdated(this.#parameters, this.model.parameters())) {
      const before = { flat: this.#parameters, memory: this.#memory };
      this.#parameters = this.#flatten();
      this.#memory = optimizerMemory(this.#parameters, this.optimizer);
      carryOver(before, { flat: this.#parameters, memory: this.#memory });
      const known = before.flat.parameters.filter((parameter) => !this.#unaveraged.includes(parameter));
      this.#unaveraged = this.#parameters.parameters.filter((parameter) => !known.includes(parameter));
    }
    return this.inUse();
  }

  /** The memory as it is; valid also while workers use it. */
  inUse(): TrainedMemory {
    return { parameters: this.#parameters, memory: this.#memory };
  }

  /**
   * Claims the parameters for a call that trains them, and moves them into this memory. Nobody else may write those either
   * that it only reads.
   *
   * @throws (rejects) if another call trains one of them
   */
  async claim(op: string): Promise<Claim> {
    const claim = new Claim(op);
    const { parameters, memory } = this.current();
    this.#requireOthersUntrained(op);
    claim.take(parameters.parameters);
    claim.keep(this.variables);
    try {
      await attachParameters(op, parameters, claim);
      await claim.settled();
    } catch (error) {
      claim.release();
      throw error;
    }
    startAverages(parameters, memory, this.#unaveraged);
    this.#unaveraged = [];
    return claim;
  }

  /** Ends the rest of a claim, and moves back what others have moved elsewhere meanwhile. */
  async resume(claim: Claim): Promise<void> {
    await claim.resume();
    await attachParameters(claim.op, this.#parameters, claim);
  }

  /** Runs a task that reads all parameters and buffers in this memory, while nobody writes to them. */
  async reading<R>(op: string, task: () => Promise<R>): Promise<R> {
    for (;;) {
      const { parameters } = this.current();
      this.#requireOthersUntrained(op);
      await attachParameters(op, parameters);
      const copied = detachedFrom(parameters);
      const reads = this.variables.filter((variable) => !copied.includes(variable));
      const uses = { reads, writes: [] };
      await enter(op, uses);
      try {
        // Another owner may have moved some of them while this call waited.
        requireReadable(op, reads);
        this.#requireOthersUntrained(op);
        if (isAttached(parameters)) return await task();
      } finally {
        leave(uses);
      }
    }
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

  /** Where the average of a parameter is: in its own memory while that holds it, and also before it has begun. */
  averageIsIn(parameter: Variable): 'parameter' | 'average' {
    return this.#averages.exchanged || this.#unaveraged.includes(parameter) ? 'parameter' : 'average';
  }

  /** Lets the averages of some parameters go on from what their memory holds. */
  resumeAverages(of: ReadonlySet<Variable>): void {
    this.#unaveraged = this.#unaveraged.filter((parameter) => !of.has(parameter));
  }

  /** Lets all averages begin with the next training. */
  restartAverages(): void {
    this.#unaveraged = this.#parameters.parameters;
  }

  /** True while the parameters hold their averages. */
  get holdsAverages(): boolean {
    return this.#averages.active;
  }

  /**
   * Runs a function while the parameters hold their averages.
   *
   * @param claim of a call that trains them and is at rest
   */
  withAverages<R>(fn: () => R | Promise<R>, claim?: Claim): Promise<R> {
    return this.#averages.run(fn, claim);
  }

  /** @throws for a variable outside of this memory that another call trains, as it would change between two reads */
  #requireOthersUntrained(op: string): void {
    const { offsets } = this.#parameters;
    const own = this.variables.filter((variable) => !offsets.has(variable));
    for (const variable of own) {
      const { claim } = variable.storage.use;
      if (!claim) continue;
      const expected = `${nameOf(variable)} is not trained here, but by another call of ${claim.op}; wait for its end`;
      throw invalid(op, expected);
    }
  }

  /** All parameters and buffers, also those that are not in this memory. */
  get variables(): Variable[] {
    return [...this.model.parameters(), ...this.model.namedBuffers().map(([, buffer]) => buffer)];
  }

  #flatten(): FlatParameters {
    const buffers = this.model.namedBuffers().map(([, buffer]) => buffer);
    return flattenParameters(this.model.parameters(), buffers, this.optimizer);
  }
}
