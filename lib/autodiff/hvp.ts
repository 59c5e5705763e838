import { checked } from '../graph/arguments/checked.js';
import type { Tensor } from '../graph/tensor.js';
import { requireFloat } from '../ops/primitives/checks.js';
import {
  call,
  requireLike,
  requireScalar,
  type TensorFunction,
  tensorFunction,
  tensorsAs,
} from './arguments.js';
import { scalarGradients } from './grad.js';
import { gradientsOrZeros } from './vjp.js';

/**
 * Hessian-vector products of a scalar function, without the Hessian: the gradient of the gradient's projection on the
 * vectors (Pearlmutter 1994). For tensors that are not arguments, such as a model's parameters, use
 * `vjp(grad(loss, parameters), vectors, parameters)`.
 *
 * @param fn returns a float tensor with one element
 * @param inputs the arguments, float tensors
 * @param vectors one for each argument, of its shape and dtype
 * @returns one product for each argument, of its shape and dtype
 */
export const hvp = checked(
  'hvp',
  { fn: tensorFunction, inputs: tensorsAs('hvp(fn, [x], [v])'), vectors: tensorsAs('hvp(fn, [x], [v])') },
  <Inputs extends readonly Tensor[]>(
    fn: TensorFunction<Inputs>,
    inputs: Inputs,
    vectors: readonly Tensor[],
  ): Tensor[] => {
    const { output, own } = call('hvp', fn, inputs);
    requireScalar('hvp', 'the value of fn', output);
    for (const x of own) requireFloat('hvp', x, 'the arguments must be float32 or float64');
    requireLike('hvp', 'vector', own, vectors);
    const gradients = scalarGradients(output, own);
    return gradientsOrZeros(gradients, vectors, own);
  },
);
