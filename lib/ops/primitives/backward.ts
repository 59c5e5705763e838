import { at } from '../../graph/at.js';
import { context, enter } from '../../graph/context.js';
import { isFloat } from '../../graph/dtype.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { backwardOf } from '../../graph/origin.js';
import { sameShape } from '../../graph/shapes.js';
import { reachable, type Tensor } from '../../graph/tensor.js';
import { add } from './elementwise.js';

/**
 * The vector-Jacobian product: the gradient of `sum(outputs[i] * gradients[i])` over all outputs with respect to some
 * nodes, by reverse accumulation (Rumelhart, Hinton & Williams 1986). An output may be part of another's graph, or
 * occur twice.
 *
 * @param gradients one for each of `outputs`, of its shape and dtype
 * @param wrt any nodes
 * @returns one gradient for each of `wrt`; `undefined` for a node that no output depends on
 */
export function accumulateGradients(
  outputs: readonly Tensor[],
  gradients: readonly Tensor[],
  wrt: readonly Tensor[],
): (Tensor | undefined)[] {
  const sums = new Map<Tensor, Tensor>();
  const accumulate = (node: Tensor, contribution: Tensor) => {
    const sum = sums.get(node);
    sums.set(node, sum ? add(sum, contribution) : contribution);
  };
  outputs.forEach((output, i) => {
    accumulate(output, at(gradients, i));
  });
  const wanted = new Set(wrt);
  const outer = context();
  for (const node of dependents(outputs, wanted).reverse()) {
    const gradient = sums.get(node);
    const rule = node.op.grad;
    if (!gradient || !rule) continue;
    // Not in a function of its own, whose frame could push the caller's line out of an error's stack.
    enter({ ...outer, origin: backwardOf(node.op.kind, node.origin) ?? outer.origin });
    try {
      const contributions = rule(gradient, node);
      node.inputs.forEach((input, i) => {
        const contribution = contributions[i];
        if (!contribution || !isFloat(input.dtype)) return;
        if (!sameShape(contribution.shape, input.shape)) {
          const shapes = `${formatShape(contribution.shape)} for an input of ${formatShape(input.shape)}`;
          throw invalid('grad', `the gradient rule of ${node.op.kind} gave ${shapes}`);
        }
        accumulate(input, contribution);
      });
    } finally {
      enter(outer);
    }
    if (!wanted.has(node)) sums.delete(node);
  }
  return wrt.map((x) => sums.get(x));
}

/** The nodes between `wanted` and the roots, all included, in topological order. */
function dependents(roots: readonly Tensor[], wanted: ReadonlySet<Tensor>): Tensor[] {
  const depends = new Set<Tensor>();
  // A node made before all of these depends on none of them.
  let first = Number.POSITIVE_INFINITY;
  for (const { id } of wanted) first = Math.min(first, id);
  return reachable(roots, ({ id }) => id < first).filter((node) => {
    const found = wanted.has(node) || node.inputs.some((input) => depends.has(input));
    if (found) depends.add(node);
    return found;
  });
}
