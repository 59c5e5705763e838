import { tensor } from '../../graph/arguments/kinds.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { type Shape, sameShape } from '../../graph/shapes.js';
import { partsOf } from '../../graph/structure.js';
import { reachable, Tensor } from '../../graph/tensor.js';
import type { Sums } from '../../nn/index.js';
import { LossTerms } from '../../nn/losses/loss-terms.js';
import { isColumnOf, shapeHint } from '../../nn/losses/shape-hint.js';
import type { Tensors } from '../../nn/model-input.js';

/**
 * Checks that a loss or a metric of the user's own does not combine each output with the targets of all samples: [N, 1]
 * and [N] broadcast to [N, N], where [N] was meant.
 */
export function requireLikeShapes(name: string, outputs: Tensors, targets: Tensors, result: unknown): void {
  for (const [, output] of partsOf(outputs, tensor)) {
    for (const [, target] of partsOf(targets, tensor)) requireLikePair(name, output, target, result);
  }
}

function requireLikePair(name: string, output: Tensor, target: Tensor, result: unknown): void {
  const alike = !isColumnOf(output.shape, target.shape) && !isColumnOf(target.shape, output.shape);
  if (alike || output.shape[0] === 1) return;
  const nodes = reachable(termsOf(result));
  const [ofOutput, ofTarget] = [dependents(nodes, output), dependents(nodes, target)];
  for (const node of nodes) {
    const [first, second] = node.inputs;
    if (!first || !second) continue;
    const sides = [first, second].map(narrowed);
    const isSide = (of: ReadonlySet<Tensor>, notOf: ReadonlySet<Tensor>, shape: Shape) =>
      sides.some((side) => of.has(side) && !notOf.has(side) && sameShape(side.shape, shape));
    const mixed =
      isSide(ofOutput, ofTarget, output.shape) &&
      isSide(ofTarget, ofOutput, target.shape) &&
      node.size > Math.max(output.size, target.size);
    if (!mixed) continue;
    const shapes = `${formatShape(output.shape)} and targets ${formatShape(target.shape)}`;
    const rule = `${node.op.kind} broadcasts outputs ${shapes} to ${formatShape(node.shape)}`;
    throw invalid(
      'Trainer',
      `${name} must compare each output with its own target, but ${rule}${shapeHint(output, target)}`,
    );
  }
}

/** The tensors of what a loss or a metric returned, whose other parts are checked where it is compiled. */
export function termsOf(result: unknown): Tensor[] {
  if (result instanceof LossTerms) return result.terms.flatMap((term) => termsOf(term.result));
  const { sum, weight } = (result ?? {}) as Partial<Sums>;
  const terms: readonly unknown[] = result instanceof Tensor ? [result] : [sum, weight];
  return terms.filter((term) => term instanceof Tensor);
}

/** The operand before it was broadcast. */
function narrowed(operand: Tensor): Tensor {
  const [inner] = operand.inputs;
  return operand.inputs.length === 1 && inner && inner.size < operand.size ? inner : operand;
}

/** The nodes that depend on one, itself included; `nodes` are in topological order. */
function dependents(nodes: readonly Tensor[], on: Tensor): ReadonlySet<Tensor> {
  const found = new Set<Tensor>([on]);
  for (const node of nodes) if (node.inputs.some((input) => found.has(input))) found.add(node);
  return found;
}
