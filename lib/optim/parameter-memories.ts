import type { Variable } from '../graph/leaf.js';
import type { ParameterMemory } from './requests.js';

/** An optimiser's memory of each parameter, as long as the parameter is in use elsewhere. */
export class ParameterMemories {
  readonly #byParameter = new WeakMap<Variable, ParameterMemory>();
  /** In the order in which they were added. */
  readonly #parameters = new Set<WeakRef<Variable>>();
  readonly #gone = new FinalizationRegistry<WeakRef<Variable>>((parameter) => {
    this.#parameters.delete(parameter);
  });

  get(parameter: Variable): ParameterMemory | undefined {
    return this.#byParameter.get(parameter);
  }

  add(parameter: Variable, memory: ParameterMemory): void {
    const reference = new WeakRef(parameter);
    this.#byParameter.set(parameter, memory);
    this.#parameters.add(reference);
    this.#gone.register(parameter, reference);
  }

  /** The number of parameters that it has a memory of, some of which may just have gone. */
  get size(): number {
    return this.#parameters.size;
  }

  *[Symbol.iterator](): Generator<readonly [Variable, ParameterMemory]> {
    for (const reference of this.#parameters) {
      const parameter = reference.deref();
      const memory = parameter && this.#byParameter.get(parameter);
      if (parameter && memory) yield [parameter, memory];
    }
  }
}
