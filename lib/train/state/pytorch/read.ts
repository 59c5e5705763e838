import { at } from '../../../graph/at.js';
import { allocate, type TypedArray } from '../../../graph/dtype.js';
import { invalid } from '../../../graph/errors.js';
import type { Variable } from '../../../graph/leaf.js';
import type { FileTensor } from '../../../io/file-dtypes.js';
import { tensorData } from '../../../io/kinds.js';
import { inMemory } from '../../../io/stored-tensor.js';
import { tensorBytes } from '../../../io/tensor-bytes.js';
import { shapeThere, transfer } from '../../../nn/state/axes.js';
import { matchState } from '../../../nn/state/match.js';
import { renamed } from '../../../nn/state/stored-state.js';
import type { Named, NamedVariable } from '../../../nn/state/variables.js';
import { firstNames } from '../../../text/names.js';
import { type Kept, keptBy, type StateContext } from '../context.js';
import type { TrainerLoadOptions } from '../options.js';
import { type Prepared, requireFit, type TrainerLoadReport } from '../report.js';
import { updatesOf } from './counts.js';
import { type OptimizerDict, requireDict } from './dict.js';
import { type Counterpart, counterpartOf, requireOfKind } from './optimizers.js';
import { namesOf } from './order.js';
import { type GroupPair, settingDifferences, settingNames, unreadIn } from './settings.js';
import { variablesByPath } from './variables.js';

/** What PyTorch keeps for a parameter. */
export interface Entry {
  /** The index of its group. */
  readonly group: number;
  readonly slots: Readonly<Record<string, unknown>>;
}

/** A kept tensor as it is in PyTorch. */
interface Target {
  readonly kept: Kept;
  readonly named: NamedVariable;
  readonly dtype: Kept['dtype'];
  readonly shape: readonly number[];
}

/** Reads PyTorch's state of an optimiser, and checks that it fits. Slots are called `fc.weight/exp_avg`. */
export async function preparePytorch(
  context: StateContext,
  given: object,
  options: TrainerLoadOptions,
): Promise<Prepared> {
  const { optimizer } = context;
  const counterpart = counterpartOf('loadState', optimizer);
  const dict = requireDict('loadState', given);
  requireOfKind('loadState', dict, counterpart);
  const variables = variablesByPath(context);
  const entries = entriesOf(dict, variables, options);
  const all = keptBy(context);
  const targets = targetsIn(all, variables, counterpart);
  const tensors = tensorsIn(entries, variables);
  const matched = matchState(targets, inMemory(tensors), { cast: options.cast ?? false });
  const trained = new Set(targets.map(({ variable }) => variable.named.variable));
  // An optimiser that has made no step yet keeps nothing.
  const isNew = dict.state.size === 0;
  const counts = updatesOf(context, { entries, variables, trained, isNew, counterpart }, options);
  const pairs = pairsOf(context, entries, variables);
  const settings = settingDifferences(optimizer, dict, counterpart, pairs, counts.updates);
  const report = {
    ...matched.report,
    missing: isNew ? [] : [...matched.report.missing, ...counts.missing],
    hints: [
      ...matched.report.hints,
      ...frozenHint(entries, variables, trained),
      ...unreadHints(dict, counterpart),
    ],
    settings: [...settings, ...counts.differences],
  } satisfies TrainerLoadReport;
  const known = [...settingNames(optimizer, counterpart), ...counts.differences.map(({ name }) => name)];
  requireFit(report, options, known);
  const staged: [Kept, TypedArray][] = [];
  for (const { name, variable, tensor } of matched.matches) {
    const { kept, named } = variable;
    const data = allocate(kept.dtype, kept.values.length);
    transfer(name, await tensor.read(), { dtype: kept.dtype, data }, named.pytorch);
    staged.push([kept, data]);
  }
  const accumulated = all.filter(({ of }) => !of?.slot && !of?.isAverage);
  return { report, commit: () => commit(context, staged, isNew ? all : accumulated, counts.updates) };
}

/** What is kept for each parameter that our model has a name for. */
function entriesOf(
  dict: OptimizerDict,
  variables: ReadonlyMap<string, NamedVariable>,
  options: TrainerLoadOptions,
): Map<string, Entry> {
  const names = namesOf('loadState', dict, variables, options);
  const there = dict.groups.flatMap(({ keys }, group) =>
    keys.map((key, i): [string, Entry] => [
      at(at(names, group), i),
      { group, slots: dict.state.get(key) ?? {} },
    ]),
  );
  const entries = renamed('loadState', new Map(there), options);
  const paths = new Map<Variable, string>();
  for (const path of entries.keys()) {
    const variable = variables.get(path)?.variable;
    if (!variable) continue;
    const other = paths.get(variable);
    if (other !== undefined) throw invalid('loadState', `${other} and ${path} are one parameter here`);
    paths.set(variable, path);
  }
  return entries;
}

/** The tensors of the rule, as those of PyTorch. */
function targetsIn(
  all: readonly Kept[],
  variables: ReadonlyMap<string, NamedVariable>,
  { slots }: Counterpart,
): Named<Target>[] {
  return all.flatMap((kept): Named<Target>[] => {
    const named = kept.of?.slot === undefined ? undefined : variables.get(kept.of.path);
    const slot = slots[kept.of?.slot ?? ''];
    if (!named || slot === undefined) return [];
    const [first, ...others] = named.paths.map((path) => `${path}/${slot}`);
    const variable = { kept, named, dtype: kept.dtype, shape: shapeThere(kept.shape, named.pytorch) };
    return [{ paths: [first as string, ...others], variable, pytorch: undefined }];
  });
}

/** The tensors of the state by path and slot, but for those of parameters without elements, which nobody trains. */
function tensorsIn(
  entries: ReadonlyMap<string, Entry>,
  variables: ReadonlyMap<string, NamedVariable>,
): Record<string, FileTensor> {
  const tensors: Record<string, FileTensor> = Object.create(null);
  for (const [path, { slots }] of entries) {
    if (variables.get(path)?.variable.size === 0) continue;
    for (const [slot, tensor] of Object.entries(slots)) {
      if (slot === 'step' || tensor === null) continue;
      const name = `${path}/${slot}`;
      if (!tensorData.accepts(tensor)) throw invalid('loadState', `${name} must be a tensor`, tensor);
      tensorBytes(`loadState: ${name}`, tensor as FileTensor);
      tensors[name] = tensor as FileTensor;
    }
  }
  return tensors;
}

/** The groups, ours and PyTorch's, that have a parameter in common. */
function pairsOf(
  { optimizer }: StateContext,
  entries: ReadonlyMap<string, Entry>,
  variables: ReadonlyMap<string, NamedVariable>,
): GroupPair[] {
  const pairs = new Map<string, GroupPair>();
  for (const [path, { group: theirs }] of entries) {
    const named = variables.get(path);
    if (!named) continue;
    const ours = optimizer.groupOf(named.variable);
    pairs.set(`${ours} ${theirs}`, { ours, theirs });
  }
  return [...pairs.values()];
}

function frozenHint(
  entries: ReadonlyMap<string, Entry>,
  variables: ReadonlyMap<string, NamedVariable>,
  trained: ReadonlySet<Variable>,
): string[] {
  const frozen = [...entries].flatMap(([path, { slots }]) => {
    const variable = variables.get(path)?.variable;
    const keeps = Object.keys(slots).length > 0;
    return keeps && variable && 'trainable' in variable && !trained.has(variable) && !variable.trainable
      ? [path]
      : [];
  });
  return frozen.length === 0 ? [] : [`nothing is kept for frozen parameters: ${firstNames(frozen)}`];
}

function unreadHints({ groups }: OptimizerDict, counterpart: Counterpart): string[] {
  return groups.flatMap(({ settings }, i) => {
    const unread = unreadIn(settings, counterpart);
    return unread.length === 0
      ? []
      : [`param_groups[${i}] has also ${firstNames(unread)}, which is not read`];
  });
}

/** @param reset what begins at 0 */
function commit(
  { optimizer, memory, progress }: StateContext,
  staged: readonly (readonly [Kept, TypedArray])[],
  reset: readonly Kept[],
  updates: number,
): string[] {
  for (const { values } of reset) values.fill(0);
  for (const [{ values }, data] of staged) values.set(data);
  memory.restartAverages();
  const { accumulate = 1 } = optimizer.stages;
  Object.assign(progress, { steps: updates * accumulate, updates: { missed: 0, contributed: 0 } });
  return [];
}
