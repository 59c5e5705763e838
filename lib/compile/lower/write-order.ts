import type { Variable } from '../../graph/leaf.js';
import type { Loop } from '../../graph/loop.js';
import { reachable, type Tensor } from '../../graph/tensor.js';
import { link, Unit } from '../fuse/units.js';
import { type Readers, readersThroughViews } from './readers.js';

/** A value that could be written to the memory of a variable by the step that computes it. */
export interface Write {
  readonly variable: Variable;
  readonly value: Tensor;
}

/** Units that are searched to tell whether a write in place is possible; it is a copy if they do not suffice. */
const MOST_SEARCHED = 200;

/**
 * Orders all readers of variables, and all units that can fail, before the units that compute the next values in place,
 * so that these see the old values, and a failed run leaves every variable unchanged.
 */
export class WriteOrder {
  /** Comes after all units that can fail and before all that write variables; undefined if there are none. */
  readonly fence: Unit | undefined;
  readonly #fallible: ReadonlySet<Unit>;
  /** The units that can be on a cycle once all writes are ordered. */
  readonly #cyclic: ReadonlySet<Unit>;

  /** @param writes all those that `reserve` may be asked about */
  constructor(
    writes: readonly Write[],
    private readonly unitOf: ReadonlyMap<Tensor, Unit>,
    private readonly readers: Readers,
  ) {
    this.#fallible = new Set(
      writes.length > 0 ? [...unitOf].filter(([node]) => canFail(node)).map(([, unit]) => unit) : [],
    );
    if (this.#fallible.size > 0) {
      this.fence = new Unit();
      for (const unit of this.#fallible) link(unit, this.fence);
    }
    const units = new Set([...unitOf.values(), ...(this.fence ? [this.fence] : [])]);
    const added = writes.flatMap((write): [Unit, Unit][] =>
      (this.#earlier(write) ?? []).map((unit) => [unit, this.#writerOf(write)]),
    );
    this.#cyclic = onCycles(units, added);
  }

  /** Lets a variable be written in place. False, and nothing changes, if that is impossible. */
  reserve(write: Write): boolean {
    const earlier = this.#earlier(write);
    const writer = this.#writerOf(write);
    if (!earlier || this.#reaches(writer, new Set(earlier))) return false;
    for (const unit of earlier) link(unit, writer);
    return true;
  }

  #writerOf({ value }: Write): Unit {
    return this.unitOf.get(value) as Unit;
  }

  /** The units that have to run before a write; null if it cannot be made in place whatever their order is. */
  #earlier(write: Write): Unit[] | null {
    const writer = this.#writerOf(write);
    if (this.#fallible.has(writer)) return null;
    const earlier = new Set(this.fence ? [this.fence] : []);
    for (const { node, viewed } of readersThroughViews(write.variable, this.readers)) {
      const unit = this.unitOf.get(node) as Unit;
      // Writing in place is safe only if the program reads and writes the same index.
      if (unit === writer && (viewed || write.value.op.kernel.family !== 'map')) return null;
      if (unit !== writer) earlier.add(unit);
    }
    return [...earlier];
  }

  /** True if a path leads to one of the units, or if that is not known. */
  #reaches(from: Unit, to: ReadonlySet<Unit>): boolean {
    if (!this.#cyclic.has(from)) return false;
    const seen = new Set([from]);
    for (const unit of seen) {
      if (seen.size > MOST_SEARCHED) return true;
      for (const next of unit.successors) {
        if (to.has(next)) return true;
        if (this.#cyclic.has(next)) seen.add(next);
      }
    }
    return false;
  }
}

/** Units that hold all cycles that a graph has with some dependencies added: those that have others on both sides. */
function onCycles(units: ReadonlySet<Unit>, added: readonly (readonly [Unit, Unit])[]): Set<Unit> {
  const successors = new Map<Unit, Unit[]>();
  const predecessors = new Map<Unit, Unit[]>();
  const append = (lists: Map<Unit, Unit[]>, key: Unit, unit: Unit) => {
    const list = lists.get(key);
    if (list) list.push(unit);
    else lists.set(key, [unit]);
  };
  for (const [from, to] of added) {
    append(successors, from, to);
    append(predecessors, to, from);
  }
  const before = (unit: Unit) => [...unit.predecessors, ...(predecessors.get(unit) ?? [])];
  const after = (unit: Unit) => [...unit.successors, ...(successors.get(unit) ?? [])];
  return withoutEnds(withoutEnds(units, before, after), after, before);
}

/** The units that remain when those without a unit before them are taken away, and so on. */
function withoutEnds(
  units: ReadonlySet<Unit>,
  before: (unit: Unit) => readonly Unit[],
  after: (unit: Unit) => readonly Unit[],
): Set<Unit> {
  const left = new Set(units);
  const waiting = new Map(
    [...units].map((unit) => [unit, before(unit).filter((one) => units.has(one)).length]),
  );
  const ends = [...units].filter((unit) => waiting.get(unit) === 0);
  for (let unit = ends.pop(); unit; unit = ends.pop()) {
    left.delete(unit);
    for (const next of after(unit)) {
      const count = (waiting.get(next) ?? 0) - 1;
      waiting.set(next, count);
      if (count === 0 && left.has(next)) ends.push(next);
    }
  }
  return left;
}

/** True if the node's kernel can abort the run: an index out of range, a singular matrix. */
function canFail(node: Tensor): boolean {
  const { kernel } = node.op;
  if (kernel.family === 'scan') return reachable((node.attributes as Loop).body.results).some(canFail);
  return kernel.family === 'call' && kernel.call(node).canFail === true;
}
