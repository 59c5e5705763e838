import type { Shape } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';

/** The next values of a parameter and of what the optimiser remembers of it. */
export interface Update {
  readonly parameter: Tensor;
  /** In the order of the rule's state. */
  readonly state: readonly Tensor[];
}

/**
 * How an optimiser changes a parameter, written with the same ops as models. Element by element, so that threads can
 * each update a slice of all parameters; a rule that looks at a parameter as a whole says so by `whole`.
 */
export interface UpdateRule {
  readonly name: string;
  /** The names of the tensors that are kept for each parameter, in its shape, zeros at first. */
  readonly state: readonly string[];
  /**
   * For a rule that needs whole parameters: the names and shapes of what is kept for one of this shape, in place of
   * `state`.
   */
  readonly whole?: (shape: Shape) => Readonly<Record<string, Shape>>;
  /**
   * What `weightDecay` means: a penalty, whose gradient is added (the default); decoupled, so that the parameter itself
   * shrinks before the step; or that the rule sees to it itself.
   */
  readonly decay?: 'penalty' | 'decoupled' | 'own';
  /** Numbers that are the same for all parameters at a step (counted from 0), computed in double precision. */
  scalars(step: number, lr: number): readonly number[];
  update(parameter: Tensor, gradient: Tensor, state: readonly Tensor[], scalars: readonly Tensor[]): Update;
}

/** The names and shapes of what a rule keeps for a parameter, or for a stretch of parameters. */
export function stateShapes({ state, whole }: UpdateRule, shape: Shape): [name: string, shape: Shape][] {
  return whole ? Object.entries(whole(shape)) : state.map((name) => [name, shape]);
}
