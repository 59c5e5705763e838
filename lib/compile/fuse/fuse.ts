import { sameShape } from '../../graph/shapes.js';
import { isAllReduce, type Tensor } from '../../graph/tensor.js';
import { joinReductions } from './join-reductions.js';
import { mergeInOrder, SearchBudget } from './merge-in-order.js';
import { computeType, MOST_INSTRUCTIONS, stepShape } from './space.js';
import { link, Unit } from './units.js';

/**
 * Fuses nodes into units. An element-wise node joins a unit that reads it over the same shape and in the same
 * arithmetic, if every other reader can run after that unit; its value then stays in registers, and is stored only if
 * other units read it. Finally, reductions that read the same values are merged.
 *
 * @param nodes the live nodes in topological order
 */
export function fuse(nodes: readonly Tensor[]): { units: Unit[]; unitOf: Map<Tensor, Unit> } {
  const unitOf = new Map<Tensor, Unit>();
  nodes.forEach((node, place) => {
    const unit = new Unit(node, place);
    unitOf.set(node, unit);
    for (const input of node.inputs) link(unitOf.get(input) as Unit, unit);
  });
  linkAllReduces(nodes, unitOf);
  for (const node of [...nodes].reverse()) {
    if (node.op.kernel.family !== 'map') continue;
    // Still the node alone: only nodes traced earlier have joined the units of later ones.
    const unit = unitOf.get(node) as Unit;
    const budget = new SearchBudget(unit.successors);
    const readers = [...unit.successors].sort((a, b) => a.last.id - b.last.id);
    const host = readers.find((reader) => fits(node, reader) && mergeInOrder(unit, reader, budget));
    if (host) unitOf.set(node, host);
  }
  joinReductions(nodes, unitOf);
  return { units: [...new Set(unitOf.values())], unitOf };
}

/** Makes all-reduces run in the order in which they were traced, which is that of all shards of a batch. */
function linkAllReduces(nodes: readonly Tensor[], unitOf: ReadonlyMap<Tensor, Unit>): void {
  const units = nodes.filter(isAllReduce).map((node) => unitOf.get(node) as Unit);
  units.forEach((unit, i) => {
    const before = units[i - 1];
    if (before) link(before, unit);
  });
}

/** True if the node can be computed in the same step as the nodes of a unit that reads it. */
function fits(node: Tensor, host: Unit): boolean {
  const { family } = host.last.op.kernel;
  if (family !== 'map' && family !== 'reduce') return false;
  if (host.nodes.length === MOST_INSTRUCTIONS) return false;
  return sameShape(stepShape(node), stepShape(host.last)) && computeType(node) === computeType(host.last);
}
