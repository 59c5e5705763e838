import type { Tensor } from '../../graph/tensor.js';

/** A group of nodes that are lowered together; leaves and views lower to no step. */
export class Unit {
  readonly nodes: Tensor[] = [];
  /** Units that depend on this one. */
  readonly successors = new Set<Unit>();
  readonly predecessors = new Set<Unit>();

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
  return [...from.successors].some((next) => next !== to && (next === from || reaches(next, to)));
}

/** True if a path of at least one dependency leads from `from` to `to`. */
export function reaches(from: Unit, to: Unit): boolean {
  const seen = new Set<Unit>();
  const stack = [...from.successors];
  for (let unit = stack.pop(); unit; unit = stack.pop()) {
    if (unit === to) return true;
    if (seen.has(unit)) continue;
    seen.add(unit);
    stack.push(...unit.successors);
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
