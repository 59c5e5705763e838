import { type InPlace, shareInPlace } from './in-place.js';
import { Uses } from './uses.js';

/** What each action of an order reads and writes, as numbered values. A write replaces the whole value. */
export interface Accesses {
  readonly reads: readonly (readonly number[])[];
  readonly writes: readonly (readonly number[])[];
  /** The writes that may take the memory of a read. */
  readonly inPlace: readonly (readonly InPlace[])[];
}

/** Receives the lifetimes of an order. */
export interface LifetimeVisitor {
  /** A value lives from the place that writes it to the last one that reads what was written; `first` if none does. */
  lives(value: number, first: number, last: number): void;
  /** At a place, a write takes the memory of a value that dies there. */
  shares?(write: number, read: number, place: number): void;
}

/**
 * Visits the lifetimes of values in an order of actions, of which some may run several times: each write begins
 * another lifetime. The order is visited from its end to its beginning.
 */
export function visitLifetimes(
  sequence: readonly number[],
  { reads, writes, inPlace }: Accesses,
  values: number,
  visitor: LifetimeVisitor,
): void {
  const uses = new Uses(values);
  const { last } = uses;
  for (let place = sequence.length - 1; place >= 0; place--) {
    const action = sequence[place] as number;
    const written = writes[action] as readonly number[];
    uses.read(reads[action] as readonly number[], place);
    const candidates = inPlace[action] as readonly InPlace[];
    if (visitor.shares && candidates.length > 0) {
      shareInPlace(
        candidates,
        (read) => last[read] === place,
        (write) => (last[write] as number) <= place,
        (write, read) => visitor.shares?.(write, read, place),
      );
    }
    for (const value of written) visitor.lives(value, place, Math.max(place, last[value] as number));
    uses.write(written, place);
  }
}
