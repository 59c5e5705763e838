import { isNumber } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { mergeInOrder, SearchBudget } from './merge-in-order.js';
import {
  computeType,
  isReduceNode,
  MOST_INSTRUCTIONS,
  type ReduceNode,
  reducedDims,
  stepShape,
} from './space.js';
import type { Unit } from './units.js';

/** A unit that could not take in so many others is full, or stands in the way of all others too. */
const MOST_REFUSALS = 16;

/**
 * Merges the units of reductions over the same dimensions that read the same values, or of which one reads an
 * intermediate value of the other: the values are loaded once, and intermediate ones need not be stored.
 *
 * @param nodes the live nodes in topological order
 * @param unitOf the unit of each node, updated in place
 */
export function joinReductions(nodes: readonly Tensor[], unitOf: Map<Tensor, Unit>): void {
  /** For each value, the units that use it, by what they have in common. */
  const users = new Map<Tensor, Map<string, Set<Unit>>>();
  const refusals = new Map<Unit, number>();
  for (const unit of new Set(nodes.filter(isReduceNode).map((node) => unitOf.get(node) as Unit))) {
    const kind = kindOf(unit.last as ReduceNode);
    const known = largeValues(unit).map((value) => usersOf(users, value, kind));
    const budget = new SearchBudget(unit.successors);
    const host = [...new Set(known.flatMap((hosts) => [...hosts]))].find((candidate) => {
      if (canJoin(unit, candidate) && mergeInOrder(unit, candidate, budget)) return true;
      const count = (refusals.get(candidate) ?? 0) + 1;
      refusals.set(candidate, count);
      if (count >= MOST_REFUSALS) for (const hosts of known) hosts.delete(candidate);
      return false;
    });
    if (host) for (const member of host.nodes) unitOf.set(member, host);
    for (const hosts of known) hosts.add(host ?? unit);
  }
}

/** The dimensions and the arithmetic that reductions in one step share. */
function kindOf(node: ReduceNode): string {
  return `${stepShape(node)} ${reducedDims(node)} ${computeType(node)}`;
}

function usersOf(users: Map<Tensor, Map<string, Set<Unit>>>, value: Tensor, kind: string): Set<Unit> {
  const byKind = users.get(value) ?? new Map<string, Set<Unit>>();
  users.set(value, byKind);
  const found = byKind.get(kind) ?? new Set();
  byKind.set(kind, found);
  return found;
}

/** Values that the unit reads or computes, except the small ones: numbers and broadcasts. */
function largeValues({ nodes }: Unit): Tensor[] {
  const isSmall = (value: Tensor) =>
    isNumber(value) || (value.op.kernel.family === 'view' && value.input(0).size < value.size);
  return [...new Set(nodes.flatMap((node) => [node, ...node.inputs]))].filter((value) => !isSmall(value));
}

function canJoin(unit: Unit, host: Unit): boolean {
  if (host.nodes.length + unit.nodes.length > MOST_INSTRUCTIONS) return false;
  return !readsReductionOf(unit, host) && !readsReductionOf(host, unit);
}

function readsReductionOf(reader: Unit, maker: Unit): boolean {
  const made = new Set<Tensor>(maker.nodes.filter(isReduceNode));
  return reader.nodes.some((node) => node.inputs.some((input) => made.has(input)));
}
