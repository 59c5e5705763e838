import { grad } from '../../autodiff/grad.js';
import { context } from '../../graph/context.js';
import type { Variable } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { requireLasting } from '../../nn/lasting.js';
import { asScalar, type Sums } from '../../nn/losses/sums.js';
import { addon } from '../../runtime/addon.js';
import { type CompiledFunction, compile } from '../../runtime/compile-function.js';
import type { Vector } from './vectors.js';

/** The value of a function at a point, and its gradient there. */
export interface Evaluation {
  readonly value: number;
  readonly gradient: Vector;
}

/** A loss as a function of all parameters in one vector. */
export class Objective {
  readonly #compiled: CompiledFunction<[], { value: Tensor; gradients: readonly Tensor[] }>;
  readonly #size: number;

  constructor(
    readonly parameters: readonly Variable[],
    readonly loss: () => Tensor | Sums,
  ) {
    this.#size = parameters.reduce((total, { size }) => total + size, 0);
    this.#compiled = compile(() => {
      const value = asScalar('lbfgs', 'the loss', loss());
      requireLasting('lbfgs', [value], parameters, context().trace);
      return { value, gradients: grad(value, parameters) };
    });
  }

  /** The current values of the parameters. */
  point(): Vector {
    const point = new Float64Array(this.#size);
    let offset = 0;
    for (const { storage, size } of this.parameters) {
      point.set(storage.data, offset);
      offset += size;
    }
    return point;
  }

  /** Sets the values of the parameters. */
  moveTo(point: Vector): void {
    let offset = 0;
    for (const { storage, size } of this.parameters) {
      storage.data.set(point.subarray(offset, offset + size));
      offset += size;
    }
  }

  /** True if all parameters are finite numbers of their dtype. */
  get isFinite(): boolean {
    return this.parameters.every(
      ({ storage, size }) => addon().largest(storage.data, 0, size) < Number.POSITIVE_INFINITY,
    );
  }

  /** The loss and its gradient at the current parameters. */
  async evaluate(): Promise<Evaluation> {
    const { value, gradients } = await this.#compiled();
    const gradient = new Float64Array(this.#size);
    let offset = 0;
    for (const part of gradients) {
      gradient.set(await part.data(), offset);
      offset += part.size;
    }
    return { value: await value.item(), gradient };
  }

  release(): void {
    this.#compiled.release();
  }
}
