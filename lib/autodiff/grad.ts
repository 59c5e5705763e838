import { checked } from '../graph/arguments/checked.js';
import * as kinds from '../graph/arguments/kinds.js';
import { ones } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { noteGradients } from '../graph/trace.js';
import { requireFloat } from '../ops/primitives/checks.js';
import { requireScalar, tensorsAs } from './arguments.js';
import { gradientsOrZeros } from './vjp.js';

/**
 * The gradients of a scalar with respect to some nodes of its graph. They are graph nodes themselves: nothing is
 * computed yet, and they can be differentiated again.
 *
 * @param loss a float tensor with one element
 * @param wrt any nodes; one that `loss` does not depend on gets zeros
 * @returns one gradient for each of `wrt`, of its shape and dtype
 */
export const grad = checked(
  'grad',
  { loss: kinds.tensor, wrt: tensorsAs('grad(loss, [x])') },
  (loss: Tensor, wrt: readonly Tensor[]): Tensor[] => {
    requireScalar('grad', 'the loss', loss);
    for (const x of wrt) requireFloat('grad', x, 'gradients are taken of float32 or float64');
    return scalarGradients(loss, wrt);
  },
);

/** `grad` for arguments that have been checked. */
export function scalarGradients(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  const gradients = gradientsOrZeros([loss], [ones(loss.shape, loss.dtype)], wrt);
  noteGradients({ loss, wrt, gradients });
  return gradients;
}
