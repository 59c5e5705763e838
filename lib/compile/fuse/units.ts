import type { Tensor } from '../../graph/tensor.js';

/** Nodes that become one step, or the views among them that become none. */
export class Unit {
  readonly nodes: Tensor[] = [];
  /** Units that read what this one makes. */
  readonly successors = new Set<Unit>();
  readonly predecessors = new Set<Unit>();

  constructor(node: Tensor) {
    this.nodes.push(node);
  }

  /** The node that was traced last: the one whose shape the step runs over. */
  get last(): Tensor {
    return this.nodes.at(-1) as Tensor;
  }
}

/** Makes `to` run after `from`. */
export function link(from: Unit, to: Unit): void {
  if (from === to) return;
  from.successors.add(to);
  to.predecessors.add(from);
}

/** Whether `to` runs after `from` along a path of more than one dependency. */
export function reachesAround(from: Unit, to: Unit): boolean {
  return [...from.successors].some((next) => next !== to && (next === from || reaches(next, to)));
}

/** Whether `to` runs after `from`, along at least one dependency. */
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

/** Moves the nodes and dependencies of `from` into `into`, which must not make a cycle. */
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
