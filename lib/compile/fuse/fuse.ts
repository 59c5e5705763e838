import { sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { joinReductions } from './join-reductions.js';
import { computeType, MOST_INSTRUCTIONS, stepShape } from './space.js';
import { link, merge, reachesAround, Unit } from './units.js';

/**
 * Fuses nodes into units. An element-wise node joins a unit that reads it over the same shape and in the same
 * arithmetic, if every other reader can run after that unit; its value then stays in registers, and is stored only if
 * other units read it. Finally, reductions that read the same values are merged.
 *
 * @param nodes the live nodes in topological order
 */
export function fuse(nodes: readonly Tensor[]): { units: Unit[]; unitOf: Map<Tensor, Unit> } {
  const unitOf = new Map<Tensor, Unit>();
  for (const node of nodes) {
    const unit = new Unit(node);
    unitOf.set(node, unit);
    for (const input of node.inputs) link(unitOf.get(input) as Unit, unit);
  }
  for (const node of [...nodes].reverse()) {
    if (node.op.kernel.family !== 'map') continue;
    const unit = unitOf.get(node) as Unit;
    const host = readers(node, unit).find((candidate) => canJoin(node, unit, candidate));
    if (!host) continue;
    merge(unit, host);
    for (const member of unit.nodes) unitOf.set(member, host);
  }
  joinReductions(nodes, unitOf);
  return { units: [...new Set(unitOf.values())], unitOf };
}

/** The units that read the node itself, in trace order. */
function readers(node: Tensor, unit: Unit): Unit[] {
  return [...unit.successors]
    .filter((reader) => reader.nodes.some((member) => member.inputs.includes(node)))
    .sort((a, b) => a.last.id - b.last.id);
}

function canJoin(node: Tensor, unit: Unit, host: Unit): boolean {
  const { family } = host.last.op.kernel;
  if (family !== 'map' && family !== 'reduce') return false;
  if (host.nodes.length + unit.nodes.length > MOST_INSTRUCTIONS) return false;
  if (!sameShape(stepShape(node), stepShape(host.last)) || computeType(node) !== computeType(host.last))
    return false;
  // A path around the direct edge would make the unit wait for itself.
  return !reachesAround(unit, host);
}
