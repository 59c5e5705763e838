import { differencesOf } from '../../checkpoint/differences.js';
import { isOfSteps } from '../../checkpoint/tensor-sources.js';
import { requireKind } from '../../graph/arguments/kind.js';
import { allocate, type TypedArray } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import type { FileTensor } from '../../io/file-dtypes.js';
import { namedTensors } from '../../io/kinds.js';
import { inMemory } from '../../io/stored-tensor.js';
import { tensorBytes } from '../../io/tensor-bytes.js';
import { TRAINING_PREFIX } from '../../nn/module.js';
import { transfer } from '../../nn/state/axes.js';
import { matchState } from '../../nn/state/match.js';
import { renamed, type State } from '../../nn/state/stored-state.js';
import { optimizerFingerprint } from '../fit/fingerprint/optimizer.js';
import { restoreSchedules } from '../fit/restoring.js';
import { countedNow } from '../fit/trainer-state.js';
import { betweenSteps, copyOf, type Kept, keptBy, type StateContext } from './context.js';
import type { TrainerLoadOptions } from './options.js';
import { decodeProgress, encodeProgress, PROGRESS, type SavedProgress } from './progress.js';
import { type Prepared, requireFit, type SettingDifference } from './report.js';

/** A trainer's state by the names of checkpoints, with its progress. */
export async function ownState(context: StateContext): Promise<State> {
  const settings = settingsOf(context);
  return await betweenSteps(context, () => {
    const { optimizer, progress } = context;
    const { epochs, history } = progress;
    // Without a prototype, so that any name is an ordinary key.
    const state: Record<string, FileTensor> = Object.create(null);
    for (const kept of keptBy(context)) {
      const { name, dtype, shape } = kept;
      state[name] = { dtype, shape: [...shape], data: copyOf(context, kept) };
    }
    state[PROGRESS] = encodeProgress({
      ...countedNow(progress),
      epochs,
      history,
      schedules: optimizer.scheduleStates(),
      optimizer: settings,
    });
    return state;
  });
}

/** Reads a state that `ownState` has given, and checks that it fits. */
export async function prepareOwn(
  context: StateContext,
  given: object,
  options: TrainerLoadOptions,
): Promise<Prepared> {
  const own = requireOwn(given);
  for (const [name, tensor] of Object.entries(own)) tensorBytes(`loadState: ${name}`, tensor);
  const { [PROGRESS]: progress, ...tensors } = own;
  const expected = keptBy(context).map((kept) => ({
    paths: [kept.name] as const,
    variable: kept,
    pytorch: undefined,
  }));
  const { matches, report } = matchState(expected, inMemory(byPath(tensors, options)), options);
  const saved = progress && decodeProgress(progress);
  const here = settingsOf(context);
  const settings = saved ? differencesOf(saved.optimizer, here, 'the state') : [];
  const ofRun = Object.keys(tensors).some(isOfSteps);
  const whole = {
    ...report,
    missing: [...report.missing, ...(progress ? [] : [PROGRESS])],
    hints: [
      ...report.hints,
      ...(ofRun ? ["fit resumes a run by its option checkpoint, not from the file's tensors"] : []),
    ],
    settings,
  };
  requireFit(whole, options, [...Object.keys(here), ...Object.keys(saved?.optimizer ?? {})]);
  const staged: [Kept, TypedArray][] = [];
  for (const { name, variable, tensor } of matches) {
    const data = allocate(variable.dtype, variable.values.length);
    transfer(name, await tensor.read(), { dtype: variable.dtype, data }, undefined);
    staged.push([variable, data]);
  }
  return { report: whole, commit: () => commit(context, staged, saved, settings) };
}

function settingsOf({ optimizer, memory }: StateContext) {
  return optimizerFingerprint(optimizer, memory.inUse().parameters);
}

/** The tensors of a trainer in a state, which may also hold those of its model. */
function requireOwn(given: object): Record<string, FileTensor> {
  if ('param_groups' in given)
    throw invalid('loadState', "the state is one of a PyTorch optimiser: pass layout: 'pytorch'");
  const all = requireKind('loadState', 'state', namedTensors, given);
  const own = Object.entries(all).filter(([name]) => name.startsWith(TRAINING_PREFIX));
  if (own.length === 0)
    throw invalid('loadState', `the state is none of a trainer, whose names begin with ${TRAINING_PREFIX}`);
  return Object.assign(Object.create(null), Object.fromEntries(own));
}

/** What stands before the path of a parameter in a name. */
const KINDS = /^training\/(optimizer\/[^/]*|average|sum)\//;

/** Tensors with the parameters' paths renamed. */
function byPath(tensors: Readonly<Record<string, FileTensor>>, options: TrainerLoadOptions): typeof tensors {
  const paths = new Map<string, string>();
  for (const name of Object.keys(tensors)) {
    const path = name.replace(KINDS, '');
    if (path !== name) paths.set(path, path);
  }
  const ours = new Map([...renamed('loadState', paths, options)].map(([own, path]) => [path, own]));
  return Object.fromEntries(
    Object.entries(tensors).flatMap(([name, tensor]): [string, FileTensor][] => {
      const kind = KINDS.exec(name)?.[0];
      if (kind === undefined) return [[name, tensor]];
      const own = ours.get(name.slice(kind.length));
      return own === undefined ? [] : [[kind + own, tensor]];
    }),
  );
}

function commit(
  context: StateContext,
  staged: readonly (readonly [Kept, TypedArray])[],
  saved: SavedProgress | undefined,
  settings: readonly SettingDifference[],
): string[] {
  const { memory, progress } = context;
  const counts = saved && countsHere(context, saved);
  const unrestored = saved && counts ? restoreRates(context, saved, counts, settings) : [];
  if (saved && counts?.steps !== saved.steps)
    unrestored.push('accumulate differs: steps are counted anew from the updates, and begin with an update');
  // Nothing below can fail.
  for (const [{ values }, data] of staged) values.set(data);
  memory.resumeAverages(new Set(staged.flatMap(([{ of }]) => (of?.isAverage ? [of.parameter] : []))));
  if (saved) Object.assign(progress, counts, { epochs: saved.epochs, history: [...saved.history] });
  return unrestored;
}

type Counts = Pick<SavedProgress, 'steps' | 'updates'>;

/** Steps and updates as the optimiser counts them, which may accumulate another number of steps. */
function countsHere(
  { optimizer }: StateContext,
  { steps, updates, optimizer: settings }: SavedProgress,
): Counts {
  const { accumulate = 1 } = optimizer.stages;
  const there = Number(settings['optimizer.accumulate'] ?? accumulate);
  const made = Math.floor(steps / there) - updates.missed;
  if (!(made >= 0))
    throw invalid(
      'loadState',
      `${PROGRESS}.updates.missed must be at most the updates of ${steps} steps`,
      updates.missed,
    );
  return there === accumulate
    ? { steps, updates }
    : { steps: made * accumulate, updates: { missed: 0, contributed: 0 } };
}

/** Restores the schedules. Other schedules than those of the state begin anew. */
function restoreRates(
  { optimizer }: StateContext,
  { schedules }: SavedProgress,
  { steps, updates }: Counts,
  settings: readonly SettingDifference[],
): string[] {
  const update = optimizer.updatesAfter(steps) - updates.missed;
  try {
    restoreSchedules('loadState', optimizer, schedules, update);
    return [];
  } catch (error) {
    if (!settings.some(({ name }) => /\.lr\b/.test(name))) throw error;
    return ['the schedules are others than those of the state, and begin anew'];
  }
}
