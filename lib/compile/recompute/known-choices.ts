import { createHash } from 'node:crypto';
import type { CheckpointScope } from '../../graph/scope.js';
import type { Step } from '../plan/plan.js';
import type { Value } from '../plan/values.js';
import { type Actions, actionsOf } from './actions.js';
import { type Choice, searchChoices } from './choices.js';

/** Graphs whose choices are remembered. */
const MOST_KNOWN = 16;

/** The choices by schedule, those that were asked for last at the end. */
const known = new Map<string, Choice[]>();

/** The choices for a schedule, which are looked for once: the next graph that lowers to the same steps has the same. */
export function choicesOf(steps: readonly Step<Value>[]): { actions: Actions; choices: Choice[] } {
  const actions = actionsOf(steps);
  const key = keyOf(steps);
  const choices = known.get(key) ?? searchChoices(actions);
  known.delete(key);
  known.set(key, choices);
  for (const oldest of known.keys()) if (known.size > MOST_KNOWN) known.delete(oldest);
  return { actions, choices };
}

/** Equal for equal schedules, wherever they were traced. Stretches are told apart by the order in which they come. */
function keyOf(steps: readonly Step<Value>[]): string {
  const scopes = new Map<CheckpointScope, number>();
  const numberOf = (scope: CheckpointScope): number => {
    const number = scopes.get(scope) ?? scopes.size;
    scopes.set(scope, number);
    return number;
  };
  const hash = createHash('sha256');
  for (const step of steps) {
    hash.update(
      JSON.stringify(step, (name, value) => {
        if (name === 'place') return undefined;
        if (name === 'scopes') return (value as readonly CheckpointScope[]).map(numberOf);
        return name === 'scope' ? numberOf(value as CheckpointScope) : value;
      }),
    );
  }
  return hash.digest('hex');
}
