import { isRecord } from '../graph/arguments/is-record.js';
import { type Kind, listOf } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { type OptionKinds, type Options, optionsOf } from '../graph/arguments/options.js';
import { invalid } from '../graph/errors.js';
import { withDecay } from './decay.js';
import { type GroupMatch, matchKinds, type ParameterGroup } from './groups.js';
import { Optimizer } from './optimizer.js';
import type { UpdateRule } from './rule.js';
import { rate, type Schedule, toSchedule } from './schedule.js';
import { type Stages, stageKinds } from './stages.js';

/** Options that each group of parameters may set. */
export interface GroupOptions {
  /** The learning rate: a number, or a function of the step, such as the schedules of this package. */
  readonly lr?: number | Schedule;
  /** Weight decay: an L2 penalty, or, if the optimiser says so, decoupled from the gradient. Default 0. */
  readonly weightDecay?: number;
  /** L1 penalty: this times the parameter's sign is added to its gradient. Default 0. */
  readonly l1?: number;
}

/** The kinds of `GroupOptions`. */
export const groupKinds = {
  lr: rate,
  weightDecay: kinds.nonNegative,
  l1: kinds.nonNegative,
} satisfies OptionKinds<GroupOptions>;

/**
 * The options of an optimiser: its settings, the stages for all parameters together, and groups of parameters with
 * their own settings. A parameter belongs to the first group that matches its path in the model (`parameter.path`).
 */
export type OptimizerOptions<Settings> = Settings &
  Stages & { readonly groups?: readonly (GroupMatch & Partial<Settings>)[] };

/**
 * The kinds of an optimiser's options, from those of its settings.
 *
 * @param own kinds that hold for the optimiser but not for its groups
 */
export function optimizerOptions<Settings extends GroupOptions, All = OptimizerOptions<Settings>>(
  settings: OptionKinds<Settings>,
  own: Partial<OptionKinds<All>> = {},
): Options<All> {
  const all = { ...settings, ...own, ...stageKinds, groups: listOf(groupOf(settings), 'objects') };
  return optionsOf(all as unknown as OptionKinds<All & object>) as Options<All>;
}

function groupOf<Settings>(settings: OptionKinds<Settings>): Kind<GroupMatch & Partial<Settings>> {
  const kindsOfGroup = { ...settings, ...matchKinds } as OptionKinds<GroupMatch & Partial<Settings>>;
  const group = optionsOf<GroupMatch & Partial<Settings>>(kindsOfGroup);
  const forAll = [...Object.keys(stageKinds), 'groups'];
  return {
    ...group,
    explain(op, name, value) {
      const found = isRecord(value) && forAll.find((option) => option in value);
      if (found) return invalid(op, `${found} is for all parameters, and not for a group`);
      return group.explain?.(op, name, value);
    },
  };
}

/**
 * Makes an optimiser from a function that returns the update rule for given settings, for the default group and each
 * other.
 *
 * @param options have been checked
 */
export function createOptimizer<Settings extends GroupOptions>(
  options: OptimizerOptions<Settings>,
  ruleOf: (settings: Settings) => UpdateRule,
  defaults: GroupOptions = {},
): Optimizer {
  const { groups = [], clipNorm, clipValue, accumulate = 1, average, ...rest } = options;
  const settings = rest as unknown as Settings;
  const groupFrom = (own: Settings): ParameterGroup => {
    const { lr = defaults.lr, weightDecay = defaults.weightDecay ?? 0, l1 = 0 } = own;
    const rule = ruleOf({ ...own, weightDecay });
    return { rule: withDecay(rule, { weightDecay, l1 }), schedule: toSchedule(lr as number | Schedule) };
  };
  const matched = groups.map(({ match, ...own }: GroupMatch & Partial<Settings>) => ({
    ...groupFrom({ ...settings, ...given(own) } as Settings),
    match,
  }));
  const { rule, schedule } = groupFrom(settings);
  return new Optimizer(rule, schedule, given({ clipNorm, clipValue, accumulate, average }), matched);
}

/** The options that are set: one that is undefined does not hide the same one of all parameters. */
function given<T extends object>(options: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
