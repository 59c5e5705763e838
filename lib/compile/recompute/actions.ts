import { at } from '../../graph/at.js';
import { bytesPerElement } from '../../graph/dtype.js';
import type { CheckpointScope } from '../../graph/scope.js';
import { sizeOf } from '../../graph/shapes.js';
import { alignedBytes } from '../arena/lifetimes.js';
import { operandsOf } from '../plan/operands.js';
import type { Step } from '../plan/plan.js';
import { fillsBuffer, type Value } from '../plan/values.js';

/**
 * The steps of a graph as actions on values, for the recomputation search. An action is a group of steps that write one
 * buffer together; a value is a buffer of the arena. Both are numbered from 0, actions in schedule order.
 */
export interface Actions {
  readonly steps: readonly (readonly Step<Value>[])[];
  /** The values that each action reads and writes, without its workspace. */
  readonly reads: readonly (readonly number[])[];
  readonly writes: readonly (readonly number[])[];
  /** The workspace of each action in bytes. */
  readonly scratch: readonly number[];
  /** The cost of running each action once more. */
  readonly cost: readonly number[];
  /** True for actions that may run again, because they write only values. */
  readonly repeatable: readonly boolean[];
  /** For each action, the first later one that overwrites a binding it reads: from there on it must not run again. */
  readonly deadline: readonly number[];
  /** For each action, the writes that may reuse the memory of a read whose value dies there, with these reads. */
  readonly inPlace: readonly (readonly { readonly write: number; readonly reads: readonly number[] }[])[];
  /** The size of each value in bytes. */
  readonly bytes: readonly number[];
  /** The action that writes each value. */
  readonly producer: readonly number[];
  /** The checkpoint scope that each value is recomputed with; undefined if it is kept. */
  readonly scopes: readonly (CheckpointScope | undefined)[];
  /** The buffer id of each value. */
  readonly bufferIds: readonly number[];
}

/** Cost of a step, in floating-point operations or work that takes as long. */
export type StepCost = (step: Step<Value>) => number;

/** Floating-point operations of a core in the time that it takes to move a byte to or from memory. */
const OPERATIONS_PER_BYTE = 8;

/** Floating-point operations, plus the equivalent of moving the operands. */
export const workOf: StepCost = (step) => {
  const { reads, writes } = operandsOf(step);
  const bytes = (values: readonly Value[]) =>
    values.reduce((sum, { layout, dtype }) => sum + sizeOf(layout.shape) * bytesPerElement(dtype), 0);
  return step.flops + OPERATIONS_PER_BYTE * (bytes(reads) + bytes(writes));
};

/** Groups steps into actions. */
export function actionsOf(steps: readonly Step<Value>[], costOf: StepCost = workOf): Actions {
  const groups = groupByBuffer(steps);
  const numberOfBuffer = new Map<number, number>();
  const bytes: number[] = [];
  const producer: number[] = [];
  const scopes: (CheckpointScope | undefined)[] = [];
  const bufferIds: number[] = [];
  const users = countUsers(groups);
  const actions = groups.map((group, index) => {
    const reads = new Set<number>();
    const writes = new Set<number>();
    let scratch = 0;
    for (const step of group) {
      const operands = operandsOf(step);
      for (const { buffer } of operands.writes) {
        if (buffer.kind !== 'arena') continue;
        if (users.get(buffer.id) === 1 && isScratch(step, buffer.id)) {
          scratch += alignedBytes(buffer.bytes);
          continue;
        }
        let value = numberOfBuffer.get(buffer.id);
        if (value === undefined) {
          value = bytes.push(alignedBytes(buffer.bytes)) - 1;
          numberOfBuffer.set(buffer.id, value);
          producer.push(index);
          scopes.push(buffer.scope);
          bufferIds.push(buffer.id);
        }
        writes.add(value);
      }
    }
    for (const step of group) {
      for (const { buffer } of operandsOf(step).reads) {
        const value = buffer.kind === 'arena' ? numberOfBuffer.get(buffer.id) : undefined;
        if (value !== undefined && !writes.has(value)) reads.add(value);
      }
    }
    return { reads: [...reads], writes: [...writes], scratch };
  });
  return {
    steps: groups,
    reads: actions.map(({ reads }) => reads),
    writes: actions.map(({ writes }) => writes),
    scratch: actions.map(({ scratch }) => scratch),
    cost: groups.map((group) => group.reduce((sum, step) => sum + costOf(step), 0)),
    repeatable: groups.map((group) => group.every(writesOnlyValues)),
    deadline: deadlinesOf(groups),
    inPlace: groups.map((group) => findInPlace(group, numberOfBuffer)),
    bytes,
    producer,
    scopes,
    bufferIds,
  };
}

/** Groups the steps that write the same buffer, at the position of the last of them. */
function groupByBuffer(steps: readonly Step<Value>[]): Step<Value>[][] {
  const lastWriter = new Map<number, number>();
  steps.forEach((step, index) => {
    for (const { buffer } of operandsOf(step).writes) {
      if (buffer.kind === 'arena') lastWriter.set(buffer.id, index);
    }
  });
  const groups = new Map<number, Step<Value>[]>();
  steps.forEach((step, index) => {
    const places = operandsOf(step).writes.map(({ buffer }) =>
      buffer.kind === 'arena' ? (lastWriter.get(buffer.id) as number) : index,
    );
    const place = Math.max(index, ...places);
    groups.set(place, [...(groups.get(place) ?? []), step]);
  });
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** The number of groups that use each buffer. */
function countUsers(groups: readonly (readonly Step<Value>[])[]): Map<number, number> {
  const users = new Map<number, number>();
  for (const group of groups) {
    const used = new Set<number>();
    for (const step of group) {
      const { reads, writes } = operandsOf(step);
      for (const { buffer } of [...reads, ...writes]) if (buffer.kind === 'arena') used.add(buffer.id);
    }
    for (const id of used) users.set(id, (users.get(id) ?? 0) + 1);
  }
  return users;
}

function isScratch(step: Step<Value>, id: number): boolean {
  if (step.kernel !== 'call' && step.kernel !== 'scan') return false;
  const buffer = step.workspace?.buffer;
  return buffer?.kind === 'arena' && buffer.id === id;
}

function writesOnlyValues(step: Step<Value>): boolean {
  return operandsOf(step).writes.every(({ buffer }) => buffer.kind === 'arena');
}

function deadlinesOf(groups: readonly (readonly Step<Value>[])[]): number[] {
  const written = new Map<number, number>();
  const deadlines = new Array<number>(groups.length).fill(groups.length);
  for (let index = groups.length - 1; index >= 0; index--) {
    const group = at(groups, index);
    for (const step of group) {
      for (const { buffer } of operandsOf(step).reads) {
        if (buffer.kind !== 'binding') continue;
        const overwritten = written.get(buffer.index) ?? groups.length;
        deadlines[index] = Math.min(deadlines[index] as number, overwritten);
      }
    }
    for (const step of group) {
      for (const { buffer } of operandsOf(step).writes) {
        if (buffer.kind === 'binding') written.set(buffer.index, index);
      }
    }
  }
  return deadlines;
}

/** Candidates for writes in place, by the rules of `findLifetimes`. */
function findInPlace(group: readonly Step<Value>[], numberOfBuffer: ReadonlyMap<number, number>) {
  const [step] = group;
  if (group.length !== 1 || (step?.kernel !== 'map' && step?.kernel !== 'reduce')) return [];
  return step.outputs.flatMap(({ buffer, dtype }) => {
    if (buffer.kind !== 'arena') return [];
    const size = buffer.bytes;
    const reads = new Set<number>();
    for (const operand of step.operands) {
      const own = operand.buffer;
      if (own.kind !== 'arena' || own.bytes !== size || operand.dtype !== dtype) continue;
      const views = step.operands.filter((other) => other.buffer === own);
      if (views.every((view) => fillsBuffer(view, size))) reads.add(numberOfBuffer.get(own.id) as number);
    }
    return reads.size > 0 ? [{ write: numberOfBuffer.get(buffer.id) as number, reads: [...reads] }] : [];
  });
}
