import { at } from '../../graph/at.js';
import { inPlaceWrites } from '../liveness/in-place.js';
import { type Accesses, visitLifetimes } from '../liveness/lifetimes.js';
import { type Lifetime, peakOf } from '../liveness/live-bytes.js';
import { operandsOf } from '../plan/operands.js';
import type { Step } from '../plan/plan.js';
import { type ArenaBuffer, alignedBytes, type Value } from '../plan/values.js';

/**
 * The lifetime of each buffer, by buffer id. Element-wise steps write in place of operands that no later step reads:
 * such an output shares the lifetime object of its operand.
 */
export function findLifetimes(steps: readonly Step<Value>[]): ReadonlyMap<number, Lifetime> {
  const { buffers, accesses } = accessesOf(steps);
  const lifetimes: Lifetime[] = [];
  const shared: { write: number; read: number }[] = [];
  visitLifetimes([...steps.keys()], accesses, buffers.length, {
    lives: (buffer, first, last) => {
      lifetimes[buffer] = { bytes: alignedBytes(at(buffers, buffer).bytes), first, last };
    },
    shares: (write, read) => shared.push({ write, read }),
  });
  // The first value of a chain of writes in place begins the lifetime, and the last one ends it.
  for (const { write, read } of shared) {
    const { bytes, first } = at(lifetimes, read);
    lifetimes[read] = { bytes, first, last: at(lifetimes, write).last };
  }
  for (const { write, read } of shared.reverse()) lifetimes[write] = at(lifetimes, read);
  return new Map(buffers.map(({ id }, buffer) => [id, at(lifetimes, buffer)]));
}

/** The peak of the live bytes: no arena for these steps can be smaller. */
export function largestLiveBytes(steps: readonly Step<Value>[]): number {
  return peakOf(new Set(findLifetimes(steps).values()), steps.length);
}

/**
 * The arena buffers of steps, numbered by first use, and what the steps do to them. Only the first use of a buffer
 * counts as its write; a step that writes another part of it keeps it alive as one that reads it does.
 */
function accessesOf(steps: readonly Step<Value>[]): { buffers: ArenaBuffer[]; accesses: Accesses } {
  const buffers: ArenaBuffer[] = [];
  const numbers = new Map<number, number>();
  const reads: number[][] = [];
  const writes: number[][] = [];
  const numberOf = (id: number) => numbers.get(id) as number;
  const inPlace = steps.map((step) => {
    const before = buffers.length;
    const [used, begun]: [number[], number[]] = [[], []];
    const touch = ({ buffer }: Value) => {
      if (buffer.kind !== 'arena') return;
      const known = numbers.get(buffer.id);
      if (known !== undefined) used.push(known);
      else {
        numbers.set(buffer.id, buffers.length);
        begun.push(buffers.push(buffer) - 1);
      }
    };
    const operands = operandsOf(step);
    operands.reads.forEach(touch);
    operands.writes.forEach(touch);
    reads.push(used);
    writes.push(begun);
    // A buffer of which an earlier step has written another part is not written in place.
    return inPlaceWrites(step, numberOf).filter(({ write }) => write >= before);
  });
  return { buffers, accesses: { reads, writes, inPlace } };
}
