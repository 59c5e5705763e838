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

/** The nodes whose values other units read; these have to be in memory. */
export function nodesReadElsewhere(readers: Readers, unitOf: ReadonlyMap<Tensor, Unit>): Set<Tensor> {
  const found = [...readers].filter(([node, all]) => all.some((one) => unitOf.get(one) !== unitOf.get(node)));
  return new Set(found.map(([node]) => node));
}
