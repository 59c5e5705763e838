import { grad } from '../../autodiff/grad.js';
import { context } from '../../graph/context.js';
import { allocate, type TypedArray } from '../../graph/dtype.js';
import type { Variable } from '../../graph/leaf.js';
import type { Storage } from '../../graph/storage.js';
import type { Tensor } from '../../graph/tensor.js';
import { requireLasting } from '../../nn/lasting.js';
import { asScalar, type Sums } from '../../nn/losses/sums.js';
import type { Claim } from '../../runtime/access/claim.js';
import { reading } from '../../runtime/access/plan-access.js';
import { addon } from '../../runtime/addon.js';
import { type CompiledFunction, compileOver } from '../../runtime/compile-function.js';
import type { Vector } from './vectors.js';

/** The value of a function at a point, and its gradient there. */
export interface Evaluation {
  readonly value: number;
  readonly gradient: Vector;
}

/** A loss as a function of all parameters in one vector. */
export class Objective {
  readonly #compiled: CompiledFunction<[], { value: Tensor; gradients: readonly Tensor[] }>;
  /** Where the loss is computed: memory of its own for each parameter, so that nobody else sees the points tried. */
  readonly #trial: ReadonlyMap<Storage, TypedArray>;
  readonly #size: number;

  constructor(
    readonly parameters: readonly Variable[],
    readonly loss: () => Tensor | Sums,
  ) {
    this.#size = parameters.reduce((total, { size }) => total + size, 0);
    this.#trial = new Map(parameters.map(({ storage, dtype, size }) => [storage, allocate(dtype, size)]));
    const objective = () => {
      const value = asScalar('lbfgs', 'the loss', loss());
      requireLasting('lbfgs', [value], parameters, context().trace);
      return { value, gradients: grad(value, parameters) };
    };
    this.#compiled = compileOver(this.#trial, objective);
  }

  /** Moves to the current values of the parameters. */
  begin(): Promise<void> {
    return reading('lbfgs', this.parameters, () => {
      for (const [storage, trial] of this.#trial) trial.set(storage.data);
    });
  }

  /** The point where the loss is computed. */
  point(): Vector {
    const point = new Float64Array(this.#size);
    let offset = 0;
    for (const trial of this.#trial.values()) {
      point.set(trial, offset);
      offset += trial.length;
    }
    return point;
  }

  /** Sets the point where the loss is computed. */
  moveTo(point: Vector): void {
    let offset = 0;
    for (const trial of this.#trial.values()) {
      trial.set(point.subarray(offset, offset + trial.length));
      offset += trial.length;
    }
  }

  /** Sets the parameters to the point. */
  settle(claim: Claim): Promise<void> {
    return claim.writing(this.parameters, () => {
      for (const [storage, trial] of this.#trial) storage.data.set(trial);
    });
  }

  /** True if all numbers of the point are finite in the dtypes of the parameters. */
  get isFinite(): boolean {
    return [...this.#trial.values()].every(
      (trial) => addon().largest(trial, 0, trial.length) < Number.POSITIVE_INFINITY,
    );
  }

  /** The loss and its gradient at the point. */
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
