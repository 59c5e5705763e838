import { invalid, requireInteger, requireOptions } from '../graph/errors.js';
import type { Variable } from '../graph/leaf.js';
import { requireNonNegative, requirePositive, requireShare } from './checks.js';
import { withDecay } from './decay.js';
import { Optimizer, type ParameterGroup, type Stages } from './optimizer.js';
import type { UpdateRule } from './rule.js';
import { type Schedule, toSchedule } from './schedule.js';

/** Options that each group of parameters may set. */
export interface GroupOptions {
  /** The learning rate: a number, or a function of the step, such as the schedules of this package. */
  readonly lr?: number | Schedule;
  /** Weight decay: an L2 penalty, or, if the optimiser says so, decoupled from the gradient. Default 0. */
  readonly weightDecay?: number;
  /** L1 penalty: this times the parameter's sign is added to its gradient. Default 0. */
  readonly l1?: number;
}

/** Selects the parameters of a group: those whose path matches, or for which the function returns true. */
export interface GroupMatch {
  readonly match: RegExp | ((path: string, parameter: Variable) => boolean);
}

/**
 * The options of an optimiser: its settings, the stages for all parameters together, and groups of parameters with
 * their own settings. A parameter belongs to the first group that matches its path in the model (`parameter.path`).
 */
export type OptimizerOptions<Settings> = Settings &
  Stages & { readonly groups?: readonly (GroupMatch & Partial<Settings>)[] };

/**
 * Makes an optimiser from a function that returns the update rule for given settings, for the default group and each
 * other.
 *
 * @throws if an option is out of range, naming the optimiser
 */
export function createOptimizer<Settings extends GroupOptions>(
  name: string,
  options: OptimizerOptions<Settings>,
  ruleOf: (settings: Settings) => UpdateRule,
  defaults: GroupOptions = {},
): Optimizer {
  if (options !== undefined) requireOptions(name, options);
  const { groups = [], clipNorm, clipValue, accumulate, average, ...rest } = options ?? {};
  const settings = rest as unknown as Settings;
  if (!Array.isArray(groups)) throw invalid(name, 'groups must be an array of objects', groups);
  const stages = requireStages(name, { clipNorm, clipValue, accumulate, average });
  const groupOf = (own: Settings): ParameterGroup => {
    const { lr = defaults.lr, weightDecay = defaults.weightDecay ?? 0, l1 = 0 } = own;
    requireNonNegative(name, 'weightDecay', weightDecay);
    requireNonNegative(name, 'l1', l1);
    const rule = ruleOf({ ...own, weightDecay });
    return { rule: withDecay(rule, { weightDecay, l1 }), schedule: toSchedule(name, lr) };
  };
  const matched = groups.map((group: GroupMatch & Partial<Settings>) => {
    const { match, ...own } = requireGroup(name, group);
    return { ...groupOf({ ...settings, ...own } as Settings), match };
  });
  const { rule, schedule } = groupOf(settings);
  return new Optimizer(rule, schedule, stages, matched);
}

function requireGroup<G extends GroupMatch>(name: string, group: G): G {
  if (!(group?.match instanceof RegExp) && typeof group?.match !== 'function') {
    throw invalid(name, 'a group needs match, a regular expression or a function', group?.match);
  }
  for (const option of ['clipNorm', 'clipValue', 'accumulate', 'average', 'groups']) {
    if (option in group) throw invalid(name, `${option} is for all parameters, and not for a group`);
  }
  return group;
}

type Given<T> = { readonly [K in keyof T]: T[K] | undefined };

function requireStages(name: string, { clipNorm, clipValue, accumulate, average }: Given<Stages>): Stages {
  if (clipNorm !== undefined) requirePositive(name, 'clipNorm', clipNorm);
  if (clipValue !== undefined) requirePositive(name, 'clipValue', clipValue);
  if (average !== undefined) requireShare(name, 'average', average);
  return {
    ...(clipNorm === undefined ? {} : { clipNorm }),
    ...(clipValue === undefined ? {} : { clipValue }),
    ...(average === undefined ? {} : { average }),
    accumulate: requireInteger(name, 'accumulate', accumulate ?? 1, { min: 1 }),
  };
}
