import { at } from '../../graph/at.js';
import { type CheckpointScope, liesIn } from '../../graph/scope.js';
import { lastReader, readersOf } from '../liveness/readers.js';
import type { Actions } from './actions.js';
import { type Sequence, withoutIdle } from './sequence.js';

/**
 * The sequence that `checkpoint` asks for: intermediate values of a checkpointed function are dropped after their last
 * use in it, and recomputed from its inputs when they are needed later.
 */
export function asMarked(actions: Actions): Sequence {
  const { reads, writes, producer, steps, scopes } = actions;
  if (!scopes.some(Boolean)) return steps.map((_, action) => action);
  const given = givenUpAfter(actions);
  const restored = new Set<number>();
  const sequence: number[] = [];

  const isGone = (value: number, now: number) => now > (given[value] as number) && !restored.has(value);
  /** Runs the action that makes a value once more, after those that make what it reads. */
  const restore = (value: number, now: number): number[] => {
    const made: number[] = [];
    const started = [{ action: at(producer, value), next: 0 }];
    for (let top = started.at(-1); top; top = started.at(-1)) {
      const input = at(reads, top.action)[top.next++];
      if (input !== undefined) {
        if (isGone(input, now)) started.push({ action: at(producer, input), next: 0 });
        continue;
      }
      started.pop();
      sequence.push(top.action);
      for (const own of at(writes, top.action)) {
        restored.add(own);
        made.push(own);
      }
    }
    return made;
  };
  steps.forEach((_, action) => {
    for (const value of at(reads, action)) {
      if (!isGone(value, action)) continue;
      const made = restore(value, action);
      // Values of nested scopes are dropped again: each scope is recomputed on its own.
      for (const other of made) {
        if (!liesIn(scopes[value], scopes[other])) restored.delete(other);
      }
    }
    sequence.push(action);
  });
  return withoutIdle(sequence, actions);
}

/** For each value, the action after which it is dropped: the last use within its scope. Infinite if it is kept. */
function givenUpAfter({ reads, producer, repeatable, scopes, steps }: Actions): number[] {
  const ends = endsOf(steps.map((group) => group.flatMap((step) => step.scopes ?? [])));
  const end = scopes.map((scope) => (scope && ends.get(scope)) ?? -1);
  const readers = readersOf(reads, producer.length);
  return producer.map((action, value) => {
    // A value of a scope that is first computed with a gradient was never kept for it.
    if (!repeatable[action] || action > at(end, value)) return Number.POSITIVE_INFINITY;
    return Math.max(action, lastReader(readers, value, at(end, value) + 1));
  });
}

/** The last action of each scope, including its nested scopes. */
function endsOf(scopeLists: readonly (readonly CheckpointScope[])[]): Map<CheckpointScope, number> {
  const ends = new Map<CheckpointScope, number>();
  scopeLists.forEach((list, action) => {
    for (const innermost of list) {
      for (let scope: CheckpointScope | undefined = innermost; scope; scope = scope.parent)
        ends.set(scope, action);
    }
  });
  return ends;
}
