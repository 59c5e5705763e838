import { isFloat } from '../graph/dtype.js';
import { formatShape, invalid } from '../graph/errors.js';
import { ones, zeros } from '../graph/ops/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { vjp } from '../graph/vjp.js';

/**
 * The gradients of a scalar with respect to some nodes of its graph. They are graph nodes themselves: nothing is
 * computed yet, and they can be differentiated again.
 *
 * @param loss a float tensor with one element
 * @param wrt any nodes; one that `loss` does not depend on gets zeros
 * @returns one gradient for each of `wrt`, of its shape and dtype
 */
export function grad(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.size !== 1) throw invalid('grad', 'the loss must have one element', formatShape(loss.shape));
  if (!isFloat(loss.dtype)) throw invalid('grad', 'the loss must be float32 or float64', loss.dtype);
  for (const x of wrt) {
    if (!isFloat(x.dtype)) throw invalid('grad', 'gradients are taken of float32 or float64', x.dtype);
  }
  const gradients = vjp([loss], [ones(loss.shape, loss.dtype)], wrt);
  return wrt.map((x, i) => gradients[i] ?? zeros(x.shape, x.dtype));
}
