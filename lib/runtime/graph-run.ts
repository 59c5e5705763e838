import { type Compiled, compileGraph } from '../compile/compile.js';
import type { TypedArray } from '../graph/dtype.js';
import type { InputAttributes } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { PlanAccess } from './access/plan-access.js';
import { bind } from './bind.js';
import { Executable, type RandomState } from './executable.js';
import { nativeKernels } from './native-kernels.js';

/** Runs a graph off the main thread for given values of its inputs, with the same random numbers each time. */
export class GraphRun {
  readonly #compiled: Compiled;
  readonly #executable: Executable;
  readonly #access: PlanAccess;

  constructor(
    inputs: readonly Tensor<InputAttributes>[],
    private readonly outputs: readonly Tensor[],
    private readonly random: RandomState = { seed: 0, step: 0 },
  ) {
    this.#compiled = compileGraph({ inputs, outputs }, nativeKernels);
    this.#executable = new Executable(this.#compiled.plan);
    this.#access = new PlanAccess('run', this.#compiled.variables);
  }

  /** Computes the values of the outputs, each in a new array. */
  async run(values: readonly TypedArray[]): Promise<TypedArray[]> {
    const produced = await this.#access.run(false, async (memoryOf) => {
      const { bindings, produced } = bind(this.#compiled, values, this.outputs, memoryOf);
      await this.#executable.runAsync(bindings, this.random);
      return produced;
    });
    return this.outputs.map((node) => produced.get(node) as TypedArray);
  }

  release(): void {
    this.#executable.release();
    this.#access.release();
  }
}
