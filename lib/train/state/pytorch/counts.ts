import { invalid } from '../../../graph/errors.js';
import type { Variable } from '../../../graph/leaf.js';
import type { NamedVariable } from '../../../nn/state/variables.js';
import { makerOf } from '../../../optim/schedule.js';
import { type StateContext, updatesMade } from '../context.js';
import type { TrainerLoadOptions } from '../options.js';
import type { SettingDifference } from '../report.js';
import type { Counterpart } from './optimizers.js';
import type { Entry } from './read.js';
import { isScalar } from './settings.js';

/** A state of PyTorch whose updates are counted. */
interface Counted {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly variables: ReadonlyMap<string, NamedVariable>;
  /** Those for which the optimiser keeps something. */
  readonly trained: ReadonlySet<Variable>;
  /** True if nothing is kept yet. */
  readonly isNew: boolean;
  readonly counterpart: Counterpart;
}

/** The number of updates that PyTorch's optimiser has made, and what is amiss with its counts. */
interface Counts {
  readonly updates: number;
  readonly missing: readonly string[];
  readonly differences: readonly SettingDifference[];
}

/**
 * The number of updates in a state. PyTorch counts them for each parameter, and not those in which one had no gradient;
 * here there is one count, the largest of these.
 */
export function updatesOf(context: StateContext, state: Counted, options: TrainerLoadOptions): Counts {
  if (!state.counterpart.counts)
    return { updates: uncounted(context, state, options), missing: [], differences: [] };
  if (options.updates !== undefined)
    throw invalid(
      'loadState',
      `updates is for SGD: ${state.counterpart.name} counts its steps`,
      options.updates,
    );
  const steps = new Map<string, number>();
  const missing: string[] = [];
  for (const [path, { slots }] of state.entries) {
    const variable = state.variables.get(path)?.variable;
    if (!variable || !state.trained.has(variable) || Object.keys(slots).length === 0) continue;
    if (slots.step === undefined) missing.push(`${path}/step`);
    else steps.set(path, requireSteps(`${path}/step`, slots.step));
  }
  const updates = Math.max(0, ...steps.values());
  const differences = [...steps].flatMap(([path, step]): SettingDifference[] => {
    if (step === updates) return [];
    const name = `${path}/step`;
    return [
      { name, text: `${name}: ${step} in the state, where others have ${updates}; here there is one count` },
    ];
  });
  return { updates, missing, differences };
}

function requireSteps(name: string, value: unknown): number {
  const steps = isScalar(value) ? Number(value.data[0]) : value;
  if (Number.isSafeInteger(steps) && (steps as number) >= 0) return steps as number;
  throw invalid('loadState', `${name} must be a non-negative integer`, steps);
}

/** The updates of SGD: as the caller says. Where nothing depends on them, the trainer's count stays as it is. */
function uncounted(context: StateContext, { isNew }: Counted, { updates }: TrainerLoadOptions): number {
  if (updates !== undefined) return updates;
  const { groups } = context.optimizer;
  if (isNew && groups.some(({ rule }) => rule.state.length > 0)) return 0;
  const follows = groups.some(({ rule, schedule }) => {
    const { momentum = 0, dampening = 0 } = rule.settings ?? {};
    return makerOf(schedule)?.op !== 'constantLR' || (momentum !== 0 && dampening !== 0);
  });
  if (!follows) return updatesMade(context);
  const expected =
    'the state of SGD does not tell how many updates it has made, which the learning rate or the dampening depends ' +
    'on: pass updates';
  throw invalid('loadState', expected);
}
