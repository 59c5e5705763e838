import { at } from '../../graph/at.js';
import { bytesPerElement } from '../../graph/dtype.js';
import type { CheckpointScope } from '../../graph/scope.js';
import { sizeOf } from '../../graph/shapes.js';
import { inPlaceWrites } from '../liveness/in-place.js';
import type { Accesses } from '../liveness/lifetimes.js';
import { Uses } from '../liveness/uses.js';
import { operandsOf } from '../plan/operands.js';
import type { Step } from '../plan/plan.js';
import { alignedBytes, type Value } from '../plan/values.js';

/**
 * The steps of a graph as actions on values, for the recomputation search. An action is a group of steps that write one
 * buffer together; a value is a buffer of the arena. Both are numbered from 0, actions in schedule order. Workspace is
 * no value.
 */
export interface Actions extends Accesses {
  readonly steps: readonly (readonly Step<Value>[])[];
  /** The workspace of each action in bytes. */
  readonly scratch: readonly number[];
  /** The cost of running each action once more. */
  readonly cost: readonly number[];
  /** True for actions that may run again, because they write only values, and no other shard waits for them. */
  readonly repeatable: readonly boolean[];
  /** For each action, the first later one that overwrites a binding it reads: from there on it must not run again. */
  readonly deadline: readonly number[];
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
    repeatable: groups.map((group) => group.every(mayRunAgain)),
    deadline: deadlinesOf(groups),
    inPlace: groups.map((group) =>
      group.length === 1 ? inPlaceWrites(at(group, 0), (id) => numberOfBuffer.get(id) as number) : [],
    ),
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
    const place = operandsOf(step).writes.reduce(
      (most, { buffer }) =>
        buffer.kind === 'arena' ? Math.max(most, lastWriter.get(buffer.id) as number) : most,
      index,
    );
    const group = groups.get(place);
    if (group) group.push(step);
    else groups.set(place, [step]);
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

function mayRunAgain(step: Step<Value>): boolean {
  // Shards that run on other threads may have been planned to recompute other steps.
  if (step.kernel === 'call' && step.allReduces) return false;
  return operandsOf(step).writes.every(({ buffer }) => buffer.kind === 'arena');
}

function deadlinesOf(groups: readonly (readonly Step<Value>[])[]): number[] {
  const bindingsOf = (operands: readonly Value[]) =>
    operands.flatMap(({ buffer }) => (buffer.kind === 'binding' ? [buffer.index] : []));
  const used = groups.map((group) => {
    const operands = group.map((step) => operandsOf(step));
    return {
      reads: bindingsOf(operands.flatMap(({ reads }) => reads)),
      writes: bindingsOf(operands.flatMap(({ writes }) => writes)),
    };
  });
  const most = (bindings: readonly number[]) => bindings.reduce((a, b) => Math.max(a, b), -1);
  const count = most(used.map(({ reads, writes }) => Math.max(most(reads), most(writes)))) + 1;
  const uses = new Uses(count);
  const deadlines = new Array<number>(groups.length).fill(groups.length);
  for (let index = groups.length - 1; index >= 0; index--) {
    const { reads, writes } = at(used, index);
    for (const binding of reads) {
      const overwritten = at(uses.written, binding);
      if (overwritten >= 0) deadlines[index] = Math.min(at(deadlines, index), overwritten);
    }
    uses.write(writes, index);
  }
  return deadlines;
}
