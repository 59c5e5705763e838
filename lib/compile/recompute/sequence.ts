import { at } from '../../graph/at.js';
import { mapOperands } from '../arena/assign-offsets.js';
import { Uses } from '../liveness/uses.js';
import { operandsOf } from '../plan/operands.js';
import type { Step } from '../plan/plan.js';
import type { Buffer, Value } from '../plan/values.js';
import type { Actions } from './actions.js';

/**
 * The order in which actions run, some more than once: the first time in schedule order, and again where a dropped
 * value is needed. Each action reads the latest write of a value.
 */
export type Sequence = readonly number[];

/** Marks the places of a sequence whose action has run before. */
export function repeatsIn(sequence: Sequence, actions: number): boolean[] {
  const ran = new Uint8Array(actions);
  return sequence.map((action) => {
    const again = ran[action] === 1;
    ran[action] = 1;
    return again;
  });
}

/** The sequence without repetitions that are not allowed or never read. */
export function withoutIdle(
  sequence: Sequence,
  { reads, writes, repeatable, deadline, bytes }: Actions,
): number[] {
  const allowed: number[] = [];
  const ran = new Uint8Array(reads.length);
  let furthest = -1;
  for (const action of sequence) {
    const late = furthest >= (deadline[action] as number);
    if (ran[action] === 1 && (!repeatable[action] || late)) continue;
    ran[action] = 1;
    furthest = Math.max(furthest, action);
    allowed.push(action);
  }
  const repeats = repeatsIn(allowed, reads.length);
  const uses = new Uses(bytes.length);
  const kept: number[] = [];
  for (let place = allowed.length - 1; place >= 0; place--) {
    const action = allowed[place] as number;
    const made = writes[action] as readonly number[];
    if (repeats[place] && made.every((value) => at(uses.next, value) < 0)) continue;
    uses.read(reads[action] as readonly number[], place);
    uses.write(made, place);
    kept.push(action);
  }
  return kept.reverse();
}

/** The cost of the repetitions in a sequence. */
export function extraCost(sequence: Sequence, { cost }: Actions): number {
  const repeats = repeatsIn(sequence, cost.length);
  return sequence.reduce((sum, action, place) => sum + (repeats[place] ? (cost[action] as number) : 0), 0);
}

/** The steps of a sequence. Repetitions write new buffers, which later steps read. */
export function stepsOf(sequence: Sequence, { steps }: Actions): Step<Value>[] {
  const current = new Map<number, Buffer>();
  let free = 1 + largestId(steps.flat());
  const replaced = (value: Value): Value => {
    const buffer = value.buffer.kind === 'arena' && current.get(value.buffer.id);
    return buffer ? { ...value, buffer } : value;
  };
  const repeats = repeatsIn(sequence, steps.length);
  return sequence.flatMap((action, place) => {
    const group = at(steps, action);
    const again = repeats[place] === true;
    if (again)
      for (const [id, bytes] of written(group)) current.set(id, { kind: 'arena', id: free++, bytes });
    return group.map((step): Step<Value> => {
      const moved = mapOperands(step, replaced);
      return again ? { ...moved, recomputed: true } : moved;
    });
  });
}

/** The largest buffer id, including those of empty buffers, which no step writes. */
function largestId(steps: readonly Step<Value>[]): number {
  let largest = -1;
  for (const step of steps) {
    const { reads, writes } = operandsOf(step);
    for (const { buffer } of [...reads, ...writes]) {
      if (buffer.kind === 'arena') largest = Math.max(largest, buffer.id);
    }
  }
  return largest;
}

/** The sizes of the arena buffers that steps write, by id. */
function written(steps: readonly Step<Value>[]): Map<number, number> {
  const buffers = steps.flatMap((step) => operandsOf(step).writes.map(({ buffer }) => buffer));
  return new Map(buffers.flatMap((buffer) => (buffer.kind === 'arena' ? [[buffer.id, buffer.bytes]] : [])));
}
