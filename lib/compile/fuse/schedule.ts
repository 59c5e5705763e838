import { at } from '../../graph/at.js';
import type { Unit } from './units.js';

/**
 * Topological order of the units; among the ready ones, the one traced first runs first. A plan thus follows the
 * program that wrote it, and the same graph gives the same order.
 *
 * @throws Error if the graph has a cycle
 */
export function schedule(units: readonly Unit[]): Unit[] {
  const waiting = new Map(units.map((unit) => [unit, unit.predecessors.size]));
  const ready = new Heap();
  for (const unit of units) if (waiting.get(unit) === 0) ready.push(unit);
  const order: Unit[] = [];
  for (let unit = ready.pop(); unit; unit = ready.pop()) {
    order.push(unit);
    for (const next of unit.successors) {
      const left = (waiting.get(next) as number) - 1;
      waiting.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  if (order.length !== units.length) throw new Error('schedule: the graph has a cycle');
  return order.filter(({ nodes }) => nodes.length > 0);
}

/** A binary min-heap of units, ordered by trace order. */
class Heap {
  readonly #items: Unit[] = [];

  push(unit: Unit): void {
    const items = this.#items;
    let hole = items.push(unit) - 1;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (key(items[parent]) <= key(unit)) break;
      items[hole] = at(items, parent);
      hole = parent;
    }
    items[hole] = unit;
  }

  pop(): Unit | undefined {
    const items = this.#items;
    const top = items[0];
    const moved = items.pop();
    if (items.length === 0 || !moved) return top;
    let hole = 0;
    for (;;) {
      const left = 2 * hole + 1;
      if (left >= items.length) break;
      const child = left + 1 < items.length && key(items[left + 1]) < key(items[left]) ? left + 1 : left;
      if (key(moved) <= key(items[child])) break;
      items[hole] = at(items, child);
      hole = child;
    }
    items[hole] = moved;
    return top;
  }
}

function key(unit: Unit | undefined): number {
  if (!unit) return Number.POSITIVE_INFINITY;
  // A unit without nodes holds up no other.
  return unit.nodes.at(-1)?.id ?? -1;
}
