import { operandsOf } from '../plan/operands.js';
import type { Step } from '../plan/plan.js';
import { type Buffer, fillsBuffer, type Value } from '../plan/values.js';

/** Alignment of buffers in bytes: a cache line, and the widest vector registers. */
export const ALIGNMENT = 64;

/** The liveness interval of memory in the arena: its first and last step, both inclusive. */
export interface Lifetime {
  /** A multiple of `ALIGNMENT`. */
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

type Growing = { -readonly [K in keyof Lifetime]: Lifetime[K] };

/**
 * The liveness interval of each buffer, by buffer id. Element-wise steps write in place of operands that no later step
 * reads: such an output shares the lifetime object of its operand.
 */
export function findLifetimes(steps: readonly Step<Value>[]): ReadonlyMap<number, Lifetime> {
  const lifetimes = new Map<number, Growing>();
  const touch = ({ buffer }: Value, step: number) => {
    if (buffer.kind !== 'arena') return;
    const known = lifetimes.get(buffer.id);
    if (known) known.last = step;
    else lifetimes.set(buffer.id, { bytes: alignedBytes(buffer.bytes), first: step, last: step });
  };
  steps.forEach((step, index) => {
    const { reads, writes } = operandsOf(step);
    for (const value of reads) touch(value, index);
    for (const value of writes) touch(value, index);
  });
  steps.forEach((step, index) => {
    if (step.kernel === 'map' || step.kernel === 'reduce') shareInPlace(step, index, lifetimes);
  });
  return lifetimes;
}

/** The peak of the live bytes: no arena for these steps can be smaller. */
export function largestLiveBytes(steps: readonly Step<Value>[]): number {
  return peakOf(new Set(findLifetimes(steps).values()), steps.length);
}

/** The peak of the live bytes over all steps. */
export function peakOf(lifetimes: Iterable<Lifetime>, steps: number): number {
  return liveBytes(lifetimes, steps).reduce((most, live) => Math.max(most, live), 0);
}

/** The live bytes at each step. */
export function liveBytes(lifetimes: Iterable<Lifetime>, steps: number): Float64Array {
  const changes = new Float64Array(steps + 1);
  for (const { bytes, first, last } of lifetimes) {
    changes[first] = (changes[first] as number) + bytes;
    changes[last + 1] = (changes[last + 1] as number) - bytes;
  }
  let live = 0;
  return changes.subarray(0, steps).map((change) => {
    live += change;
    return live;
  });
}

/**
 * Lets the outputs of an element-wise program reuse the memory of operands that die there, one operand per output:
 * first outputs that are read later, then those that are never read.
 */
function shareInPlace(
  { operands, outputs }: { readonly operands: readonly Value[]; readonly outputs: readonly Value[] },
  index: number,
  lifetimes: Map<number, Growing>,
): void {
  const lifetimeOf = ({ buffer }: Value) => (buffer.kind === 'arena' ? lifetimes.get(buffer.id) : undefined);
  const taken = new Set<Growing>();
  const made = outputs.filter((output) => lifetimeOf(output)?.first === index);
  const isIdle = (output: Value) => lifetimeOf(output)?.last === index;
  for (const output of [...made.filter((value) => !isIdle(value)), ...made.filter(isIdle)]) {
    const own = lifetimeOf(output) as Growing;
    const dying = operands.find((operand) => {
      const life = lifetimeOf(operand);
      if (life?.last !== index || taken.has(life) || operand.dtype !== output.dtype) return false;
      const views = operands.filter((other) => lifetimeOf(other) === life);
      return views.every((view) => fillsBuffer(view, bytesOf(view)) && bytesOf(view) === bytesOf(output));
    });
    if (!dying) continue;
    const shared = lifetimeOf(dying) as Growing;
    taken.add(shared);
    shared.last = own.last;
    lifetimes.set((output.buffer as Buffer & { kind: 'arena' }).id, shared);
  }
}

function bytesOf({ buffer }: Value): number {
  return buffer.kind === 'arena' ? buffer.bytes : 0;
}

export function alignedBytes(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
