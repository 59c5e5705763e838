import type { Tensor } from '../../graph/tensor.js';

/** A group of nodes that are lowered together; leaves and views lower to no step. One without nodes orders others. */
export class Unit {
  readonly nodes: Tensor[] = [];
  /** Units that depend on this one. */
  readonly successors = new Set<Unit>();
  readonly predecessors = new Set<Unit>();

  /** @param position in a topological order of the units, while they are merged */
  constructor(
    node?: Tensor,
    public position = 0,
  ) {
    if (node) this.nodes.push(node);
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
