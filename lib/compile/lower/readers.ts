import type { Tensor } from '../../graph/tensor.js';
import type { Unit } from '../fuse/units.js';

/** The nodes that read each node. */
export type Readers = ReadonlyMap<Tensor, readonly Tensor[]>;

/** Finds the readers of each of the nodes. */
export function findReaders(nodes: readonly Tensor[]): Readers {
  const readers = new Map<Tensor, Tensor[]>(nodes.map((node) => [node, []]));
  for (const node of nodes) for (const input of node.inputs) readers.get(input)?.push(node);
  return readers;
}

/** A node that reads a leaf, directly or through a view. */
export interface LeafReader {
  readonly node: Tensor;
  readonly viewed: boolean;
}

/** The nodes that read a leaf, directly or through views, which are not among them. */
export function readersThroughViews(leaf: Tensor, readers: Readers): LeafReader[] {
  const found: LeafReader[] = [];
  const stack: LeafReader[] = [{ node: leaf, viewed: false }];
  for (let top = stack.pop(); top; top = stack.pop()) {
    for (const node of readers.get(top.node) ?? []) {
      if (node.op.kernel.family === 'view') stack.push({ node, viewed: true });
      else found.push({ node, viewed: top.viewed });
    }
  }
  return found;
}

/** The nodes whose values other units read; these have to be in memory. */
export function nodesReadElsewhere(readers: Readers, unitOf: ReadonlyMap<Tensor, Unit>): Set<Tensor> {
  const found = [...readers].filter(([node, all]) => all.some((one) => unitOf.get(one) !== unitOf.get(node)));
  return new Set(found.map(([node]) => node));
}
