import { isInput, isNumber, Variable } from '../../graph/leaf.js';
import { reachable, type Tensor } from '../../graph/tensor.js';
import { renewed } from './rewritten.js';

/** A graph whose settled values are leaves. */
export interface Hoisted {
  readonly roots: readonly Tensor[];
  /** The settled nodes, each with the leaf that has taken its place. */
  readonly leaves: ReadonlyMap<Tensor, Tensor>;
}

/**
 * Takes out of a graph what has the same value in every run until a variable is written: the variables, and what is
 * computed from them and from constants alone. Numbers, other constants and what costs next to nothing stay: views, and
 * element-wise values that are larger than what they are made of, as a mask.
 *
 * @param leafFor returns the leaf that takes the place of a node
 */
export function hoist(roots: readonly Tensor[], leafFor: (node: Tensor) => Tensor): Hoisted {
  const nodes = reachable(roots);
  const origins = settledSizes(nodes);
  const staysInRun = (node: Tensor) => {
    const size = origins.get(node);
    if (size === undefined || size < node.size) return true;
    return isConstant(node) || keepsOrder(node);
  };
  const needed = new Set<Tensor>(roots);
  for (const node of nodes.toReversed()) {
    if (needed.has(node) && staysInRun(node)) for (const input of node.inputs) needed.add(input);
  }
  const leaves = new Map<Tensor, Tensor>();
  const inRun = new Map<Tensor, Tensor>();
  const inRunOf = (node: Tensor) => inRun.get(node) as Tensor;
  for (const node of nodes) {
    if (!needed.has(node)) continue;
    if (staysInRun(node)) {
      inRun.set(node, renewed(node, inRunOf));
      continue;
    }
    const leaf = leafFor(node);
    leaves.set(node, leaf);
    inRun.set(node, leaf);
  }
  return { roots: roots.map(inRunOf), leaves };
}

/**
 * The settled nodes, which have the same value in every run until a variable is written. For each the number of elements
 * that it is made of at least: its own, or those before it was expanded.
 */
export function settledSizes(nodes: readonly Tensor[]): Map<Tensor, number> {
  const sizes = new Map<Tensor, number>();
  for (const node of nodes) {
    const { family } = node.op.kernel;
    if (family === 'leaf') {
      if (!isInput(node)) sizes.set(node, isNumber(node) ? 1 : node.size);
      continue;
    }
    const inputs = [...new Set(node.inputs)].map((input) => sizes.get(input));
    // An op without inputs draws random numbers.
    const known = inputs.length > 0 && family !== 'scan' && inputs.every((size) => size !== undefined);
    if (!known) continue;
    const isCheap = family === 'view' || family === 'map' || family === 'identity';
    sizes.set(node, isCheap ? Math.min(node.size, sum(inputs as number[])) : node.size);
  }
  return sizes;
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a + b, 0);
}

function isConstant(node: Tensor): boolean {
  return node.op.kernel.family === 'leaf' && !(node instanceof Variable);
}

function keepsOrder({ op: { kernel } }: Tensor): boolean {
  return kernel.family === 'view' && kernel.keepsOrder === true;
}
