import { either, type Kind, listOf } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, type OptionKinds, optionsOf } from '../graph/arguments/options.js';
import type { Variable } from '../graph/leaf.js';
import { type UpdateRule, updateRule } from './rule.js';
import { rateAt, type Schedule, schedule } from './schedule.js';

/** Selects the parameters of a group: those whose path matches, or for which the function returns true. */
export interface GroupMatch {
  readonly match: RegExp | ((path: string, parameter: Variable) => boolean);
}

/** The kind of `GroupMatch`. */
export const matchKinds: OptionKinds<GroupMatch> = {
  match: needed(
    either(
      kinds.instance(RegExp, 'a regular expression'),
      kinds.callback<(path: string, parameter: Variable) => boolean>('a function of path and parameter'),
    ),
  ),
};

/** Parameters that are updated by one rule at one rate. A group without `match` takes all that no other group takes. */
export interface ParameterGroup extends Partial<GroupMatch> {
  readonly rule: UpdateRule;
  readonly schedule: Schedule;
}

/** The groups of an optimiser that have parameters of their own. */
export const matchedGroups: Kind<readonly (ParameterGroup & GroupMatch)[]> = listOf(
  optionsOf<ParameterGroup & GroupMatch>({
    ...matchKinds,
    rule: needed(updateRule),
    schedule: needed(schedule),
  }),
  'objects with match, rule and schedule',
);

/** The scalars of a group's rule, at the rate of its schedule. */
export function scalarsOfRule({ rule, schedule }: ParameterGroup, update: number): readonly number[] {
  return rule.scalars(update, rateAt(rule.name, { schedule, step: update }));
}
