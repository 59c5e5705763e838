import { remade } from '../../graph/scope.js';
import { reachable, Tensor } from '../../graph/tensor.js';

/** Returns what has taken the place of a node. */
export type Replaced = (node: Tensor) => Tensor;

/**
 * Rewrites the graph below `roots`, inputs first. Once a node is new, so are all after it: ids keep the order of the trace,
 * which plans follow.
 *
 * @param replace returns what takes the place of a node, over the new inputs; undefined if it stays
 * @returns the rewritten roots, in order
 */
export function rewritten(
  roots: readonly Tensor[],
  replace: (node: Tensor, replaced: Replaced) => Tensor | undefined,
): Tensor[] {
  const known = new Map<Tensor, Tensor>();
  const replaced: Replaced = (node) => known.get(node) as Tensor;
  let changed = false;
  for (const node of reachable(roots)) {
    const found = remade(node, () => replace(node, replaced));
    changed ||= found !== undefined;
    known.set(node, found ?? (changed ? renewed(node, replaced) : node));
  }
  return roots.map(replaced);
}

/** The node over the new inputs. It is new, so that ids keep the order of the trace; a leaf is itself. */
export function renewed(node: Tensor, replaced: Replaced): Tensor {
  if (node.op.kernel.family === 'leaf') return node;
  return remade(node, () => new Tensor(node.op, node.inputs.map(replaced), node.attributes));
}
