import { type Kind, kind } from '../graph/arguments/kind.js';
import type { Shape } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';

/** The next values of a parameter and of its optimiser state. */
export interface Update {
  readonly parameter: Tensor;
  /** In the order of the rule's state. */
  readonly state: readonly Tensor[];
}

/** Settings of a rule by their names. */
export type RuleSettings = Readonly<Record<string, number | boolean | null | readonly (number | null)[]>>;

/**
 * Update of a parameter, written with the same ops as models. It works element by element, so that each thread can
 * update a slice of all parameters; a rule that needs whole parameters declares `whole`.
 */
export interface UpdateRule {
  readonly name: string;
  /** Names of the tensors kept for each parameter, in its shape, initially zeros. */
  readonly state: readonly string[];
  /**
   * For a rule that needs whole parameters: names and shapes of the tensors kept for a parameter of this shape, in
   * place of `state`.
   */
  readonly whole?: (shape: Shape) => Readonly<Record<string, Shape>>;
  /**
   * Meaning of `weightDecay`: a penalty, whose gradient is added (the default); decoupled, so that the parameter
   * itself shrinks before the step; or left to the rule.
   */
  readonly decay?: 'penalty' | 'decoupled' | 'own';
  /**
   * What the update depends on besides its arguments, for checkpoints to compare: plain values by the names of options. A
   * checkpoint of a rule without them compares the update as it is traced, and some of its scalars.
   */
  readonly settings?: RuleSettings;
  /** Numbers that are the same for all parameters at a step (counted from 0), computed in double precision. */
  scalars(step: number, lr: number): readonly number[];
  update(parameter: Tensor, gradient: Tensor, state: readonly Tensor[], scalars: readonly Tensor[]): Update;
}

/** An update rule, which may be an instance of a class. */
export const updateRule: Kind<UpdateRule> = kind(
  'an update rule with name, state, scalars and update',
  (value) => {
    if (typeof value !== 'object' || value === null) return false;
    const { name, state, scalars, update } = value as Partial<Record<keyof UpdateRule, unknown>>;
    return (
      typeof name === 'string' &&
      Array.isArray(state) &&
      typeof scalars === 'function' &&
      typeof update === 'function'
    );
  },
);

/** Names and shapes of the tensors that a rule keeps for a parameter or a parameter run. */
export function stateShapes({ state, whole }: UpdateRule, shape: Shape): [name: string, shape: Shape][] {
  return whole ? Object.entries(whole(shape)) : state.map((name) => [name, shape]);
}
