import { isNumber } from '../../graph/leaf.js';
import { sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { computeType, isReduceNode, MOST_INSTRUCTIONS, reducedDims, stepShape } from './space.js';
import { merge, reachesAround, type Unit } from './units.js';

/**
 * Merges the units of reductions over the same dimensions that read the same values, or of which one reads an
 * intermediate value of the other: the values are loaded once, and intermediate ones need not be stored.
 *
 * @param nodes the live nodes in topological order
 * @param unitOf the unit of each node, updated in place
 */
export function joinReductions(nodes: readonly Tensor[], unitOf: Map<Tensor, Unit>): void {
  const users = new Map<Tensor, Set<Unit>>();
  for (const unit of new Set(nodes.filter(isReduceNode).map((node) => unitOf.get(node) as Unit))) {
    const values = largeValues(unit);
    const candidates = new Set(values.flatMap((value) => [...(users.get(value) ?? [])]));
    const host = [...candidates].find((candidate) => canJoin(unit, candidate));
    if (host) {
      for (const member of unit.nodes) unitOf.set(member, host);
      merge(unit, host);
    }
    for (const value of values) {
      const known = users.get(value) ?? new Set();
      users.set(value, known.add(host ?? unit));
    }
  }
}

/** Values that the unit reads or computes, except the small ones: numbers and broadcasts. */
function largeValues({ nodes }: Unit): Tensor[] {
  const isSmall = (value: Tensor) =>
    isNumber(value) || (value.op.kernel.family === 'view' && value.input(0).size < value.size);
  return [...new Set(nodes.flatMap((node) => [node, ...node.inputs]))].filter((value) => !isSmall(value));
}

function canJoin(unit: Unit, host: Unit): boolean {
  const [a, b] = [unit.last, host.last];
  if (!isReduceNode(a) || !isReduceNode(b)) return false;
  if (!sameShape(stepShape(a), stepShape(b)) || computeType(a) !== computeType(b)) return false;
  if (!sameShape(reducedDims(a), reducedDims(b))) return false;
  if (host.nodes.length + unit.nodes.length > MOST_INSTRUCTIONS) return false;
  if (readsReductionOf(unit, host) || readsReductionOf(host, unit)) return false;
  return !reachesAround(unit, host) && !reachesAround(host, unit);
}

function readsReductionOf(reader: Unit, maker: Unit): boolean {
  const made = new Set<Tensor>(maker.nodes.filter(isReduceNode));
  return reader.nodes.some((node) => node.inputs.some((input) => made.has(input)));
}
