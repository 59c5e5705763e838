import { remade } from './scope.js';
import { reachable, Tensor } from './tensor.js';

/**
 * Rebuilds the graph of `roots` with some nodes replaced by others of the same shape and dtype. Nodes that depend on
 * none of them are reused.
 *
 * @returns the roots, in order
 */
export function substitute(roots: readonly Tensor[], replacements: ReadonlyMap<Tensor, Tensor>): Tensor[] {
  const rewritten = new Map<Tensor, Tensor>(replacements);
  for (const node of reachable(roots, (found) => replacements.has(found))) {
    if (rewritten.has(node)) continue;
    const inputs = node.inputs.map((input) => rewritten.get(input) as Tensor);
    const same = inputs.every((input, i) => input === node.inputs[i]);
    const renewed = () => new Tensor(node.op, inputs, node.attributes);
    rewritten.set(node, same ? node : remade(node, renewed));
  }
  return roots.map((root) => rewritten.get(root) as Tensor);
}
