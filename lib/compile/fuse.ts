import { liesIn } from '../graph/region.js';
import { sameShape } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';
import { joinReductions } from './join-reductions.js';
import { computeType, MOST_INSTRUCTIONS, stepShape } from './space.js';
import { link, merge, reachesAround, Unit } from './units.js';

/**
 * Groups the nodes into units, one step each. An element-wise node joins a unit that reads it over the same shape, in
 * the same arithmetic, when every other reader can wait for that unit; then its value never leaves the registers, or
 * is stored in passing where others read it too. A node of a checkpointed region only joins one outside of it when no
 * other reads its value, which would be kept with the unit's. Then reductions that read the same values become one.
 *
 * @param nodes the live nodes, inputs first
 */
export function fuse(nodes: readonly Tensor[]): { units: Unit[]; unitOf: Map<Tensor, Unit> } {
  const unitOf = new Map<Tensor, Unit>();
  const isInside = regionRule(nodes, unitOf);
  for (const node of nodes) {
    const unit = new Unit(node);
    unitOf.set(node, unit);
    for (const input of node.inputs) link(unitOf.get(input) as Unit, unit);
  }
  for (const node of [...nodes].reverse()) {
    if (node.op.kernel.family !== 'map') continue;
    const unit = unitOf.get(node) as Unit;
    const host = readers(node, unit).find(
      (candidate) => canJoin(node, unit, candidate) && isInside(unit, candidate),
    );
    if (!host) continue;
    merge(unit, host);
    for (const member of unit.nodes) unitOf.set(member, host);
  }
  joinReductions(nodes, unitOf);
  return { units: [...new Set(unitOf.values())], unitOf };
}

/** The units that read the node itself, earliest first. */
function readers(node: Tensor, unit: Unit): Unit[] {
  return [...unit.successors]
    .filter((reader) => reader.nodes.some((member) => member.inputs.includes(node)))
    .sort((a, b) => a.last.id - b.last.id);
}

/** Whether a unit may be computed with another one as far as checkpointed regions go. */
function regionRule(nodes: readonly Tensor[], unitOf: ReadonlyMap<Tensor, Unit>) {
  if (nodes.every(({ region }) => !region)) return () => true;
  const readersOf = new Map<Tensor, Tensor[]>(nodes.map((node) => [node, []]));
  for (const node of nodes) for (const input of node.inputs) readersOf.get(input)?.push(node);
  return (unit: Unit, host: Unit): boolean => {
    if (unit.last.region === host.last.region) return true;
    const staysInside = (reader: Tensor) => [unit, host].includes(unitOf.get(reader) as Unit);
    return (
      liesIn(unit.last.region, host.last.region) &&
      unit.nodes.every((node) => readersOf.get(node)?.every(staysInside))
    );
  };
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
