import { type CheckpointScope, liesIn } from '../../graph/scope.js';
import type { Actions } from './actions.js';
import { type Sequence, withoutIdle } from './sequence.js';

/**
 * The sequence that marks ask for: what a checkpointed function makes for itself is given up when the function is done with it,
 * and made again when it is needed later, from what the function was given.
 */
export function asMarked(actions: Actions): Sequence {
  const { reads, writes, producer, steps, scopes } = actions;
  if (!scopes.some(Boolean)) return steps.map((_, action) => action);
  const given = givenUpAfter(actions);
  const restored = new Set<number>();
  const sequence: number[] = [];

  const isGone = (value: number, now: number) => now > (given[value] as number) && !restored.has(value);
  const restore = (value: number, now: number, made: number[]): void => {
    const action = producer[value] as number;
    for (const input of reads[action] as readonly number[]) if (isGone(input, now)) restore(input, now, made);
    sequence.push(action);
    for (const own of writes[action] as readonly number[]) {
      restored.add(own);
      made.push(own);
    }
  };
  steps.forEach((_, action) => {
    for (const value of reads[action] as readonly number[]) {
      if (!isGone(value, action)) continue;
      const made: number[] = [];
      restore(value, action, made);
      // What functions within made on the way is given up again: they are to be run again for themselves.
      for (const other of made) {
        if (!liesIn(scopes[value], scopes[other])) restored.delete(other);
      }
    }
    sequence.push(action);
  });
  return withoutIdle(sequence, actions);
}

/** For each value the action behind which it is given up: its last use within its stretch. Infinite where it is kept. */
function givenUpAfter({ reads, producer, repeatable, scopes, steps }: Actions): number[] {
  const ends = endsOf(steps.map((group) => group.flatMap((step) => step.scopes ?? [])));
  const end = scopes.map((scope) => (scope && ends.get(scope)) ?? -1);
  const last = producer.map((action, value) =>
    // A value of a stretch that is only made with a gradient was never kept for it.
    repeatable[action] && action <= (end[value] as number) ? action : Number.POSITIVE_INFINITY,
  );
  reads.forEach((values, action) => {
    for (const value of values) {
      if (action <= (end[value] as number) && action > (last[value] as number)) last[value] = action;
    }
  });
  return last;
}

/** The last action of each scope, with those of the scopes in it. */
function endsOf(stretches: readonly (readonly CheckpointScope[])[]): Map<CheckpointScope, number> {
  const ends = new Map<CheckpointScope, number>();
  stretches.forEach((list, action) => {
    for (const innermost of list) {
      for (let scope: CheckpointScope | undefined = innermost; scope; scope = scope.parent)
        ends.set(scope, action);
    }
  });
  return ends;
}
