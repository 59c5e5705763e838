import type { Tensor } from '../../graph/tensor.js';

/** A group of nodes that are lowered together; leaves and views lower to no step. */
export class Unit {
  readonly nodes: Tensor[] = [];
  /** Units that depend on this one. */
  readonly successors = new Set<Unit>();
  readonly predecessors = new Set<Unit>();
  /** The last search that visited it. */
  visitedBy: object | undefined;

  constructor(node: Tensor) {
    this.nodes.push(node);
  }

  /** The node traced last, whose shape the step iterates over. */
  get last(): Tensor {
    return this.nodes.at(-1) as Tensor;
  }
}

/** Adds the dependency of `to` on `from`. */
export function link(from: Unit, to: Unit): void {
  if (from === to) return;
  from.successors.add(to);
  to.predecessors.add(from);
}

/** True if a path of more than one dependency leads from `from` to `to`. */
export function reachesAround(from: Unit, to: Unit): boolean {
  return search(
    [...from.successors].filter((next) => next !== to),
    to,
  );
}

/** True if a path of at least one dependency leads from `from` to `to`. */
export function reaches(from: Unit, to: Unit): boolean {
  return search([...from.successors], to);
}

/** True if a path of any length leads from one of the units to `to`. */
function search(stack: Unit[], to: Unit): boolean {
  const visit = {};
  for (let unit = stack.pop(); unit; unit = stack.pop()) {
    if (unit === to) return true;
    if (unit.visitedBy === visit) continue;
    unit.visitedBy = visit;
    for (const next of unit.successors) stack.push(next);
  }
  return false;
}

/** Moves the nodes and dependencies of `from` into `into`; this must not create a cycle. */
export function merge(from: Unit, into: Unit): void {
  into.nodes.push(...from.nodes);
  into.nodes.sort((a, b) => a.id - b.id);
  for (const next of from.successors) {
    next.predecessors.delete(from);
    link(into, next);
  }
  for (const previous of from.predecessors) {
    previous.successors.delete(from);
    link(previous, into);
  }
  from.successors.clear();
  from.predecessors.clear();
}
