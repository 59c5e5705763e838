import { zeros } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { call, requireFloat, requireLike, type TensorFunction } from './arguments.js';
import { gradientsOrZeros } from './vjp.js';

/**
 * The value of a function and its derivative along a direction, the product of its Jacobian with the tangents
 * (forward-mode differentiation; Baydin et al. 2018). It costs about two evaluations of the function, however many
 * elements its value has.
 *
 * @param fn gives a float tensor of any shape
 * @param primals the arguments, float tensors
 * @param tangents one for each argument, of its shape and dtype: how it changes
 * @returns `tangent` is of the shape and dtype of `value`
 */
export function jvp<Inputs extends readonly Tensor[]>(
  fn: TensorFunction<Inputs>,
  primals: Inputs,
  tangents: readonly Tensor[],
): { value: Tensor; tangent: Tensor } {
  const { output, own } = call('jvp', fn, primals);
  requireFloat('jvp', 'the value of fn must be', output);
  for (const x of own) requireFloat('jvp', 'the arguments must be', x);
  requireLike('jvp', 'tangent', own, tangents);
  return { value: output, tangent: pushForward(output, own, tangents) };
}

/** The derivative of `output` when `inputs` change along `tangents`. */
export function pushForward(output: Tensor, inputs: readonly Tensor[], tangents: readonly Tensor[]): Tensor {
  // A product with the transposed Jacobian is linear in its cotangent, so its derivative does not depend on where.
  const cotangent = zeros(output.shape, output.dtype);
  const pulled = gradientsOrZeros([output], [cotangent], inputs);
  return gradientsOrZeros(pulled, tangents, [cotangent])[0] as Tensor;
}
