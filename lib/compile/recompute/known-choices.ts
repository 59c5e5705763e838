import { createHash } from 'node:crypto';
import type { CheckpointScope } from '../../graph/scope.js';
import type { Step } from '../plan/plan.js';
import type { Value } from '../plan/values.js';
import { type Actions, actionsOf } from './actions.js';
import { type Choice, searchChoices } from './choices.js';

/** Maximum number of schedules whose choices are cached. */
const MOST_KNOWN = 16;

/** The choices by schedule, least recently used first. */
const known = new Map<string, Choice[]>();

/** The choices for a schedule, cached: graphs that lower to the same steps share them. */
export function choicesOf(steps: readonly Step<Value>[]): { actions: Actions; choices: Choice[] } {
  const actions = actionsOf(steps);
  const key = keyOf(steps);
  const choices = known.get(key) ?? searchChoices(actions);
  known.delete(key);
  known.set(key, choices);
  for (const oldest of known.keys()) if (known.size > MOST_KNOWN) known.delete(oldest);
  return { actions, choices };
}

/** A hash that is equal for equal schedules, wherever they were traced. Scopes are numbered by first appearance. */
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
