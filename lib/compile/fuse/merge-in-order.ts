import { at } from '../../graph/at.js';
import { merge, type Unit } from './units.js';

/** In the models of the benchmark, no merge that is possible takes more than 17. */
const MOST_FOLLOWED = 200;

/**
 * Dependencies that may still be followed to tell whether units can be merged. What cannot be told with them counts as
 * impossible, so that the time for a graph is proportional to its size, whatever its shape.
 */
export class SearchBudget {
  left: number;

  /** @param direct the dependencies that are looked at in any case */
  constructor(direct: ReadonlySet<Unit>) {
    this.left = direct.size + MOST_FOLLOWED;
  }
}

/**
 * Merges two units, unless that makes one wait for itself, because a path leads from one to the other around a direct
 * dependency. The positions stay those of a topological order, which is why only the units between the two are searched
 * (Pearce & Kelly 2006, "A dynamic topological sort algorithm for directed acyclic graphs").
 *
 * @returns false if they were not merged
 */
export function mergeInOrder(from: Unit, into: Unit, budget: SearchBudget): boolean {
  const [early, late] = from.position < into.position ? [from, into] : [into, from];
  const after = dependentsBetween(early, late, budget);
  if (!after) return false;
  const before = after.length > 0 ? neededBetween(after, late, budget) : [];
  if (!before) return false;
  const order = [...before.sort(byPosition), late, ...after.sort(byPosition)];
  const positions = order.map(({ position }) => position).sort((a, b) => a - b);
  order.forEach((unit, i) => {
    unit.position = at(positions, i);
  });
  into.position = late.position;
  merge(from, into);
  return true;
}

/** The units before `late` that depend on `early`; null if `late` depends on one of them. */
function dependentsBetween(early: Unit, late: Unit, budget: SearchBudget): Unit[] | null {
  const found = follow(
    early,
    (unit) => unit.successors,
    ({ position }) => position < late.position,
    budget,
  );
  return !found || found.some((unit) => unit.successors.has(late)) ? null : found;
}

/** The units before `late` that it depends on and that stand behind the first of some others; null if out of budget. */
function neededBetween(after: readonly Unit[], late: Unit, budget: SearchBudget): Unit[] | null {
  const first = after.reduce((least, { position }) => Math.min(least, position), Number.POSITIVE_INFINITY);
  return follow(
    late,
    (unit) => unit.predecessors,
    ({ position }) => position > first,
    budget,
  );
}

/** The units that a search reaches from one of them, without that one; null if it is out of budget. */
function follow(
  start: Unit,
  next: (unit: Unit) => Iterable<Unit>,
  isWithin: (unit: Unit) => boolean,
  budget: SearchBudget,
): Unit[] | null {
  const found = new Set([start]);
  for (const unit of found) {
    for (const other of next(unit)) {
      if (budget.left-- <= 0) return null;
      if (isWithin(other)) found.add(other);
    }
  }
  found.delete(start);
  return [...found];
}

function byPosition(a: Unit, b: Unit): number {
  return a.position - b.position;
}
