import { checked } from '../graph/arguments/checked.js';
import { at } from '../graph/at.js';
import { zeros } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { requireFloat } from '../ops/primitives/checks.js';
import { call, requireLike, type TensorFunction, tensorFunction, tensorsAs } from './arguments.js';
import { gradientsOrZeros } from './vjp.js';

/**
 * The value of a function and its derivative along a direction, the product of its Jacobian with the tangents
 * (forward-mode differentiation; Baydin et al. 2018). Costs about two evaluations of the function, however many
 * elements its value has.
 *
 * @param fn returns a float tensor of any shape
 * @param primals the arguments, float tensors
 * @param tangents the direction: one for each argument, of its shape and dtype
 * @returns the value and its `tangent`, of the same shape and dtype
 */
export const jvp = checked(
  'jvp',
  { fn: tensorFunction, primals: tensorsAs('jvp(fn, [x], [t])'), tangents: tensorsAs('jvp(fn, [x], [t])') },
  <Inputs extends readonly Tensor[]>(
    fn: TensorFunction<Inputs>,
    primals: Inputs,
    tangents: readonly Tensor[],
  ): { value: Tensor; tangent: Tensor } => {
    const { output, own } = call('jvp', fn, primals);
    requireFloat('jvp', output, 'the value of fn must be float32 or float64');
    for (const x of own) requireFloat('jvp', x, 'the arguments must be float32 or float64');
    requireLike('jvp', 'tangent', own, tangents);
    return { value: output, tangent: pushForward(output, own, tangents) };
  },
);

/** The derivative of `output` when `inputs` change along `tangents`. */
export function pushForward(output: Tensor, inputs: readonly Tensor[], tangents: readonly Tensor[]): Tensor {
  // A product with the transposed Jacobian is linear in its cotangent, so any cotangent gives the same derivative.
  const cotangent = zeros(output.shape, output.dtype);
  const pulled = gradientsOrZeros([output], [cotangent], inputs);
  return at(gradientsOrZeros(pulled, tangents, [cotangent]), 0);
}
