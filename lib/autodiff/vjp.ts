import { checked } from '../graph/arguments/checked.js';
import { zeros } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { accumulateGradients } from '../ops/primitives/backward.js';
import { requireFloat } from '../ops/primitives/checks.js';
import { requireLike, tensorsAs } from './arguments.js';

const listed = tensorsAs('vjp([y], [cotangent], [x])');

/**
 * The vector-Jacobian product: the gradients of `sum(outputs[i] * cotangents[i])` over all outputs with respect to
 * some nodes, by reverse accumulation (Rumelhart, Hinton & Williams 1986). They are graph nodes themselves: nothing is
 * computed yet, and they can be differentiated again.
 *
 * @param outputs float tensors of any shape
 * @param cotangents the incoming gradients, one for each output, of its shape and dtype
 * @param wrt any float nodes; one that no output depends on gets zeros
 * @returns one gradient for each of `wrt`, of its shape and dtype
 */
export const vjp = checked(
  'vjp',
  { outputs: listed, cotangents: listed, wrt: listed },
  (outputs: readonly Tensor[], cotangents: readonly Tensor[], wrt: readonly Tensor[]): Tensor[] => {
    for (const output of outputs) requireFloat('vjp', output, 'outputs must be float32 or float64');
    requireLike('vjp', 'cotangent', outputs, cotangents);
    for (const x of wrt) requireFloat('vjp', x, 'gradients are taken of float32 or float64');
    return gradientsOrZeros(outputs, cotangents, wrt);
  },
);

/** `vjp` for arguments that have been checked. */
export function gradientsOrZeros(
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
  wrt: readonly Tensor[],
): Tensor[] {
  const gradients = accumulateGradients(outputs, cotangents, wrt);
  return wrt.map((x, i) => gradients[i] ?? zeros(x.shape, x.dtype));
}
