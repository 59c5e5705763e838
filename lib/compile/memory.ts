import type { Block, Step } from './plan.js';
import { type Buffer, fillsBuffer, type Value } from './values.js';

/** Cache lines, and the widest vector registers. */
const ALIGNMENT = 64;

interface Lifetime {
  bytes: number;
  first: number;
  last: number;
  offset: number;
}

export interface Arena {
  readonly blocks: Block[];
  readonly bytes: number;
  /** Where each buffer starts, by its id. */
  readonly offsets: ReadonlyMap<number, number>;
}

/**
 * Lays out the arena: buffers that are never alive at the same step may share bytes. Element-wise steps write in place
 * of an operand that nobody reads afterwards. The largest buffers are placed first, each at the lowest offset that is
 * free over its whole life.
 */
export function placeInArena(steps: readonly Step<Value>[]): Arena {
  const lifetimes = findLifetimes(steps);
  const owner = shareInPlace(steps, lifetimes);
  const placed: Lifetime[] = [];
  const groups = [...new Set(owner.values())].sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  for (const group of groups) {
    const neighbours = placed
      .filter((other) => other.first <= group.last && group.first <= other.last)
      .sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const other of neighbours) {
      if (offset + group.bytes <= other.offset) break;
      offset = Math.max(offset, other.offset + other.bytes);
    }
    group.offset = offset;
    placed.push(group);
  }
  const blocks = placed
    .map(({ offset, bytes, first, last }) => ({ offset, bytes, first, last }))
    .sort((a, b) => a.first - b.first || a.offset - b.offset);
  return {
    blocks,
    bytes: blocks.reduce((most, { offset, bytes }) => Math.max(most, offset + bytes), 0),
    offsets: new Map([...owner].map(([id, group]) => [id, group.offset])),
  };
}

/** The operands that a step reads and writes. */
export function operandsOf<O>(step: Step<O>): { reads: readonly O[]; writes: readonly O[] } {
  switch (step.kernel) {
    case 'map':
      return { reads: step.operands, writes: step.outputs };
    case 'reduce':
      return {
        reads: step.operands,
        writes: [...step.outputs, ...step.reductions.map(({ output }) => output)],
      };
    case 'copy':
      return { reads: [step.input], writes: [step.output] };
    case 'fill':
      return { reads: [], writes: [step.output] };
    case 'call':
      return {
        reads: Object.values(step.inputs),
        writes: step.workspace ? [step.output, step.workspace] : [step.output],
      };
    case 'scan': {
      const operands = step.bindings.map(({ operand }) => operand);
      const written = operands.slice(step.reads);
      return {
        reads: operands.slice(0, step.reads),
        writes: step.workspace ? [...written, step.workspace] : written,
      };
    }
  }
}

function findLifetimes(steps: readonly Step<Value>[]): Map<number, Lifetime> {
  const lifetimes = new Map<number, Lifetime>();
  const touch = (buffer: Buffer, step: number) => {
    if (buffer.kind !== 'arena') return;
    const known = lifetimes.get(buffer.id);
    if (known) known.last = step;
    else lifetimes.set(buffer.id, { bytes: align(buffer.bytes), first: step, last: step, offset: 0 });
  };
  steps.forEach((step, index) => {
    const { reads, writes } = operandsOf(step);
    for (const { buffer } of [...reads, ...writes]) touch(buffer, index);
  });
  return lifetimes;
}

/** Gives what an element-wise program stores the memory of an operand that dies there. */
function shareInPlace(
  steps: readonly Step<Value>[],
  lifetimes: Map<number, Lifetime>,
): Map<number, Lifetime> {
  const owner = new Map(lifetimes);
  steps.forEach((step, index) => {
    if (step.kernel !== 'map' && step.kernel !== 'reduce') return;
    for (const output of step.outputs) {
      const own = ownLifetime(output, owner);
      if (!own || own.first !== index) continue;
      const dying = step.operands.find((operand) => {
        const life = ownLifetime(operand, owner);
        if (!life || life.last !== index || life.bytes !== own.bytes || operand.dtype !== output.dtype)
          return false;
        const views = step.operands.filter((other) => ownLifetime(other, owner) === life);
        return views.every((view) => fillsBuffer(view, bytesOf(view)) && bytesOf(view) === bytesOf(output));
      });
      if (!dying) continue;
      const shared = ownLifetime(dying, owner) as Lifetime;
      shared.last = own.last;
      for (const [id, life] of owner) if (life === own) owner.set(id, shared);
    }
  });
  return owner;
}

function ownLifetime({ buffer }: Value, owner: ReadonlyMap<number, Lifetime>): Lifetime | undefined {
  return buffer.kind === 'arena' ? owner.get(buffer.id) : undefined;
}

function bytesOf({ buffer }: Value): number {
  return buffer.kind === 'arena' ? buffer.bytes : 0;
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
