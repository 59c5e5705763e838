import { invalid } from '../graph/errors.js';
import { cast } from '../graph/ops/elementwise.js';
import { hostScalar, Variable } from '../graph/ops/leaf.js';
import { Storage } from '../graph/storage.js';
import type { Tensor } from '../graph/tensor.js';
import { assign, currentTrace } from '../graph/trace.js';
import type { Schedule } from './schedules.js';

/** The next values of a parameter and of what the optimiser remembers of it. */
export interface Update {
  readonly parameter: Tensor;
  readonly state: readonly Tensor[];
}

/**
 * How an optimiser changes a parameter, written with the same ops as models. Element by element, so that threads can
 * each update a slice of all parameters.
 */
export interface UpdateRule {
  readonly name: string;
  /** The names of the tensors that are kept for each parameter, zeros at first. */
  readonly state: readonly string[];
  /** Numbers that are the same for all parameters at a step (counted from 0), computed in double precision. */
  scalars(step: number, lr: number): readonly number[];
  update(parameter: Tensor, gradient: Tensor, state: readonly Tensor[], scalars: readonly Tensor[]): Update;
}

/** An update rule, a learning-rate schedule, and in a hand-written loop the state of the parameters. */
export class Optimizer {
  #steps = 0;
  readonly #state = new Map<Variable, readonly Variable[]>();

  constructor(
    readonly rule: UpdateRule,
    readonly schedule: Schedule,
  ) {}

  /** Steps taken by compiled functions that call `step`. */
  get steps(): number {
    return this.#steps;
  }

  /** The rule's numbers for a step. Throws when the schedule gives no number. */
  scalarsAt(step: number): readonly number[] {
    const lr = this.schedule(step);
    if (!Number.isFinite(lr))
      throw invalid(this.rule.name, `the schedule must give a number at step ${step}`, lr);
    return this.rule.scalars(step, lr);
  }

  /** Inside a function given to `compile()`: updates each parameter by its gradient at each run. */
  step(parameters: readonly Variable[], gradients: readonly Tensor[]): void {
    const trace = currentTrace(`${this.rule.name}.step`);
    if (parameters.length !== gradients.length) {
      throw invalid(
        this.rule.name,
        `one gradient for each of ${parameters.length} parameters`,
        gradients.length,
      );
    }
    const scalars = this.scalarsAt(this.#steps).map((_, i) =>
      hostScalar(`${this.rule.name} ${i}`, () => this.scalarsAt(this.#steps)[i] as number),
    );
    parameters.forEach((parameter, i) => {
      const state = this.#stateOf(parameter);
      const rates = scalars.map((scalar) => cast(scalar, parameter.dtype));
      const update = this.rule.update(parameter, gradients[i] as Tensor, state, rates);
      assign(parameter, update.parameter);
      state.forEach((variable, j) => {
        assign(variable, update.state[j] as Tensor);
      });
    });
    trace.afterRun.push(() => {
      this.#steps++;
    });
  }

  #stateOf(parameter: Variable): readonly Variable[] {
    const known = this.#state.get(parameter);
    if (known) return known;
    const { shape, dtype } = parameter;
    const state = this.rule.state.map(() => new Variable(new Storage(shape, dtype)));
    this.#state.set(parameter, state);
    return state;
  }
}
