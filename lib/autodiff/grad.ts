import { isFloat } from '../graph/dtype.js';
import { formatShape, invalid } from '../graph/errors.js';
import { add } from '../graph/ops/elementwise.js';
import { ones, zeros } from '../graph/ops/leaf.js';
import { sameShape } from '../graph/shapes.js';
import { reachable, type Tensor } from '../graph/tensor.js';

/**
 * The gradients of a scalar with respect to some nodes of its graph, by reverse accumulation (Rumelhart, Hinton &
 * Williams 1986). They are graph nodes themselves: nothing is computed yet, and they can be differentiated again.
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
  const gradients = new Map<Tensor, Tensor>([[loss, ones(loss.shape, loss.dtype)]]);
  const wanted = new Set(wrt);
  const path = dependents(loss, wanted);
  for (const node of path.reverse()) {
    const gradient = gradients.get(node);
    if (!gradient || !node.op.grad) continue;
    const contributions = node.op.grad(gradient, node);
    node.inputs.forEach((input, i) => {
      const contribution = contributions[i];
      if (!contribution || !isFloat(input.dtype)) return;
      if (!sameShape(contribution.shape, input.shape)) {
        const shapes = `${formatShape(contribution.shape)} for an input of ${formatShape(input.shape)}`;
        throw invalid('grad', `the gradient rule of ${node.op.kind} gave ${shapes}`);
      }
      const sum = gradients.get(input);
      gradients.set(input, sum ? add(sum, contribution) : contribution);
    });
    if (!wanted.has(node)) gradients.delete(node);
  }
  return wrt.map((x) => gradients.get(x) ?? zeros(x.shape, x.dtype));
}

/** The nodes between `wanted` and `root`, both included, inputs first. */
function dependents(root: Tensor, wanted: ReadonlySet<Tensor>): Tensor[] {
  const depends = new Set<Tensor>();
  return reachable([root]).filter((node) => {
    const found = wanted.has(node) || node.inputs.some((input) => depends.has(input));
    if (found) depends.add(node);
    return found;
  });
}
