import { createHash } from 'node:crypto';
import type { Region } from '../../graph/region.js';
import type { Value } from '../lower/values.js';
import type { Step } from '../plan/plan.js';
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
  const regions = new Map<Region, number>();
  const numberOf = (region: Region): number => {
    const number = regions.get(region) ?? regions.size;
    regions.set(region, number);
    return number;
  };
  const hash = createHash('sha256');
  for (const step of steps) {
    hash.update(
      JSON.stringify(step, (name, value) => {
        if (name === 'place') return undefined;
        if (name === 'regions') return (value as readonly Region[]).map(numberOf);
        return name === 'region' ? numberOf(value as Region) : value;
      }),
    );
  }
  return hash.digest('hex');
}
