import type { Unit } from './units.js';

/**
 * The units in an order in which each runs after those that it depends on; among the ready ones, the one that was
 * traced first. So a plan follows the program that wrote it, and the same graph gives the same order.
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
  return order;
}

/** A binary heap with the earliest traced unit on top. */
class Heap {
  readonly #items: Unit[] = [];

  push(unit: Unit): void {
    const items = this.#items;
    let at = items.push(unit) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (key(items[parent]) <= key(unit)) break;
      items[at] = items[parent] as Unit;
      at = parent;
    }
    items[at] = unit;
  }

  pop(): Unit | undefined {
    const items = this.#items;
    const top = items[0];
    const moved = items.pop();
    if (items.length === 0 || !moved) return top;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= items.length) break;
      const child = left + 1 < items.length && key(items[left + 1]) < key(items[left]) ? left + 1 : left;
      if (key(moved) <= key(items[child])) break;
      items[at] = items[child] as Unit;
      at = child;
    }
    items[at] = moved;
    return top;
  }
}

function key(unit: Unit | undefined): number {
  return unit ? unit.last.id : Number.POSITIVE_INFINITY;
}
