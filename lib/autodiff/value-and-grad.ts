import { invalid, requireInteger } from '../graph/errors.js';
import { Tensor } from '../graph/tensor.js';
import { call, requireFloat, requireScalar, type TensorFunction } from './arguments.js';
import { scalarGradients } from './grad.js';

export interface ValueAndGradOptions {
  /**
   * What to differentiate by: positions of arguments, or tensors that the function uses, such as a model's
   * parameters. By default all arguments.
   */
  readonly wrt?: readonly (number | Tensor)[];
}

/** A value, and its gradient with respect to each of what was asked for. */
export interface ValueAndGradients {
  readonly value: Tensor;
  readonly gradients: readonly Tensor[];
}

/**
 * The function that gives the value of a scalar function and its gradients in one go:
 *
 *     const { value, gradients } = valueAndGrad((x, y) => x.mul(y).sum())(a, b);
 *     const step = valueAndGrad(() => loss(model.forward(x), y), { wrt: model.parameters() });
 *
 * The gradients are partial: an argument's own, though the same tensor is passed twice. All results are graph nodes, in
 * a compiled function and outside of one.
 *
 * @param fn gives a float tensor with one element
 * @throws when called, if `fn` gives anything else, or if a gradient is asked of an integer argument
 */
export function valueAndGrad<Inputs extends readonly Tensor[]>(
  fn: TensorFunction<Inputs>,
  { wrt }: ValueAndGradOptions = {},
): (...inputs: Inputs) => ValueAndGradients {
  if (wrt !== undefined && !Array.isArray(wrt)) {
    throw invalid('valueAndGrad', 'wrt must be a list of positions and tensors', wrt);
  }
  return (...inputs) => {
    const { output: value, own } = call('valueAndGrad', fn, inputs);
    requireScalar('valueAndGrad', 'the value of fn', value);
    const wanted = (wrt ?? own).map((which) => {
      if (which instanceof Tensor) return which;
      const at = requireInteger('valueAndGrad', 'a position in wrt', which, { min: 0, max: own.length - 1 });
      return own[at] as Tensor;
    });
    for (const x of wanted) requireFloat('valueAndGrad', 'gradients (see wrt) are taken of', x);
    return {
      value,
      gradients: scalarGradients(value, wanted),
    };
  };
}
