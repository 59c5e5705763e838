import { checked } from '../graph/arguments/checked.js';
import { either, listOf, optional, requireKind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import { at } from '../graph/at.js';
import { requireInteger } from '../graph/errors.js';
import { Tensor } from '../graph/tensor.js';
import { requireFloat } from '../ops/primitives/checks.js';
import { call, requireScalar, type TensorFunction, tensorFunction } from './arguments.js';
import { scalarGradients } from './grad.js';

export interface ValueAndGradOptions {
  /**
   * Gradients are taken with respect to these: positions of arguments, or tensors that the function uses, such as a
   * model's parameters. Default all arguments.
   */
  readonly wrt?: readonly (number | Tensor)[];
}

const valueAndGradOptions = optionsOf<ValueAndGradOptions>({
  wrt: listOf(either(kinds.index, kinds.tensor), 'positions of arguments and tensors'),
});

/** A value, and its gradient with respect to each entry of `wrt`. */
export interface ValueAndGradients {
  readonly value: Tensor;
  readonly gradients: readonly Tensor[];
}

/**
 * A function that returns the value of a scalar function together with its gradients:
 *
 *     const { value, gradients } = valueAndGrad((x, y) => x.mul(y).sum())(a, b);
 *     const step = valueAndGrad(() => loss(model.forward(x), y), { wrt: model.parameters() });
 *
 * The gradients are partial: each argument has its own, even if the same tensor is passed twice. All results are graph
 * nodes, inside and outside of a compiled function.
 *
 * @param fn returns a float tensor with one element
 * @throws when called, if `fn` returns anything else, or if a gradient is requested for an integer argument
 */
export const valueAndGrad = checked(
  'valueAndGrad',
  { fn: tensorFunction, options: optional(valueAndGradOptions) },
  <Inputs extends readonly Tensor[]>(
    fn: TensorFunction<Inputs>,
    { wrt }: ValueAndGradOptions = {},
  ): ((...inputs: Inputs) => ValueAndGradients) => {
    return (...inputs) => {
      inputs.forEach((x: unknown, i) => {
        requireKind('valueAndGrad', `argument ${i}`, kinds.tensor, x);
      });
      const { output: value, own } = call('valueAndGrad', fn, inputs);
      requireScalar('valueAndGrad', 'the value of fn', value);
      const wanted = (wrt ?? own).map((which) => {
        if (which instanceof Tensor) return which;
        const range = { min: 0, max: own.length - 1 };
        return at(own, requireInteger('valueAndGrad', 'a position in wrt', which, range));
      });
      for (const x of wanted)
        requireFloat('valueAndGrad', x, 'gradients (see wrt) are taken of float32 or float64');
      return {
        value,
        gradients: scalarGradients(value, wanted),
      };
    };
  },
);
