import type { TensorSource } from '../../checkpoint/file.js';
import { perEpoch, requireFit } from '../../checkpoint/fits.js';
import { FIRST_FORMAT, type RunProgress } from '../../checkpoint/state.js';
import type { CheckpointStore, SavedRun } from '../../checkpoint/store.js';
import { isOfCallback, ofSteps, StepFigures } from '../../checkpoint/tensor-sources.js';
import { bytesPerElement } from '../../graph/dtype.js';
import { failed, invalid, messageOf } from '../../graph/errors.js';
import { sameShape, sizeOf } from '../../graph/shapes.js';
import type { Optimizer } from '../../optim/index.js';
import type { TrainingJob } from '../../parallel/protocol/job.js';
import { epochSteps } from './epoch-steps.js';
import type { RunFingerprint } from './fingerprint/fingerprint.js';
import type { FitCallbacks } from './fit-callbacks.js';
import type { TrainerState } from './trainer-state.js';

/** A run that goes on from a checkpoint, and what it changes. */
export interface RestoredRun {
  readonly fingerprint: RunFingerprint;
  /** Its tensors in memory. */
  readonly sources: readonly TensorSource[];
  /** The same tensors in other memory, into which the file is read first. What has none there gets some. */
  readonly copies: readonly TensorSource[];
  readonly training: TrainingJob;
  readonly optimizer: Optimizer;
  readonly state: TrainerState;
  readonly allow: readonly string[];
  readonly callbacks: FitCallbacks;
}

/** The tally of a checkpoint without one: whether a step contributed to the next update is unknown; it is taken to have. */
const NONE_MISSED = { missed: 0, contributed: 1 };

/**
 * Restores the state of a saved run. All of it is read and checked before any of it is applied, and it is applied at once.
 * Returns the point since which epochs have had their number of steps.
 *
 * @throws (rejects) if the run does not fit, or the file holds what no run writes; then nothing is changed
 */
export async function restoreRun(
  store: CheckpointStore,
  saved: SavedRun,
  given: RestoredRun,
): Promise<RunProgress['since']> {
  const { path, progress, header } = saved;
  const run = present(given, header);
  const { training, optimizer, state, allow, callbacks } = run;
  const { start, step, epochs, epochStep, schedules, history, updates = NONE_MISSED } = progress;
  const settings = fingerprintLike(saved, run.fingerprint);
  const changed = requireFit(
    path,
    { ...saved, tensors: header.tensors },
    { settings, tensors: run.sources, allow },
  );
  if (state.steps !== start.step && state.steps !== step && state.steps !== 0) {
    const expected = `the trainer must be new, or have taken the ${step} steps of the checkpoint ${path}`;
    throw invalid('fit', expected, `${state.steps} steps`);
  }
  const since = requireSteps(
    saved,
    run,
    changed.some((name) => perEpoch.includes(name)),
  );
  const most = optimizer.updatesAfter(step);
  if (updates.missed > most) {
    throw invalid(path, `progress.updates.missed must be at most ${most}`, updates.missed);
  }
  const steps = new StepFigures(training, epochStep);
  // The weights are missing from the checkpoint of a run whose loss was no ratio.
  const figures = steps.sources.filter(({ name }) => header.tensors.some((tensor) => tensor.name === name));
  const staged = stagedIn(run);
  await store.load(saved, [...staged, ...figures]);
  restoreSchedules(path, optimizer, schedules, most - updates.missed);
  callbacks.restore(path, progress.callbacks ?? {}, new Set(header.tensors.map(({ name }) => name)));
  // Nothing below can fail.
  for (const [i, source] of run.sources.entries()) copy(staged[i] as TensorSource, source);
  steps.restore();
  Object.assign(state, { steps: step, updates, epochs, history: [...history] });
  return since;
}

/** The run without the tensors of callbacks that the file does not have, or has in another form. */
function present(run: RestoredRun, { tensors }: SavedRun['header']): RestoredRun {
  const isThere = ({ name, dtype, shape }: TensorSource) =>
    !isOfCallback(name) ||
    tensors.some((one) => one.name === name && one.dtype === dtype && sameShape(one.shape, shape));
  const kept = run.sources.map(isThere);
  const some = (list: readonly TensorSource[]) => list.filter((_, i) => kept[i]);
  return { ...run, sources: some(run.sources), copies: some(run.copies) };
}

/** The run's fingerprint, at the number of rows at which that of the checkpoint was taken, if that is possible. */
function fingerprintLike({ settings }: SavedRun, fingerprint: RunFingerprint) {
  const { rows } = settings;
  const own = fingerprint.of();
  if (rows === own.rows || typeof rows !== 'number' || rows > fingerprint.mostRows) return own;
  try {
    return fingerprint.of(rows);
  } catch {
    return own;
  }
}

/** Checks the position within the epoch. Returns the point since which epochs have the number of steps that they have. */
function requireSteps(
  { path, format, progress, header }: SavedRun,
  { training, fingerprint }: RestoredRun,
  isChanged: boolean,
) {
  const { step, epochs, epochStep, since } = progress;
  const own = epochSteps(training, fingerprint.isStream);
  const most = epochSteps(training, false);
  if (epochStep > most || (epochStep > 0 && own !== undefined && (progress.epochSteps ?? own) !== own)) {
    const expected = `an epoch must have its ${progress.epochSteps ?? 'own'} steps, as the checkpoint ${path} is within one`;
    throw invalid('fit', expected, own ?? most);
  }
  if (format !== FIRST_FORMAT && !isChanged && progress.epochSteps !== own) {
    throw invalid(path, `progress.epochSteps must be ${own ?? 'missing'}`, progress.epochSteps);
  }
  const tensors = new Map(header.tensors.map((tensor) => [tensor.name, tensor]));
  for (const { name, dtype, shape } of ofSteps(epochStep, training.weights !== undefined)) {
    const found = tensors.get(name);
    // Those of another loss, which one means to change.
    if (!found && name !== ofSteps(0, false)[0]?.name) continue;
    if (found?.dtype !== dtype || found.shape.length !== 1 || found.shape[0] !== shape[0]) {
      throw invalid(path, `${name} must be ${dtype}[${shape}], a number for each step`, found?.shape);
    }
  }
  return progress.epochSteps === own ? since : { step: step - epochStep, epoch: epochs };
}

/** The memory that a file is read into. */
function stagedIn({ sources, copies }: RestoredRun): TensorSource[] {
  return sources.map((source, i) => {
    const copy = copies[i];
    if (copy && copy.buffer !== source.buffer) return copy;
    const bytes = sizeOf(source.shape) * bytesPerElement(source.dtype);
    return { ...source, buffer: new SharedArrayBuffer(bytes), byteOffset: 0 };
  });
}

function copy(from: TensorSource, to: TensorSource): void {
  const bytes = sizeOf(to.shape) * bytesPerElement(to.dtype);
  const source = new Uint8Array(from.buffer, from.byteOffset, bytes);
  new Uint8Array(to.buffer, to.byteOffset, bytes).set(source);
}

/**
 * Restores the schedules, or, if one does not take its state or gives no rate with it, none.
 *
 * @param path what errors begin with
 */
export function restoreSchedules(
  path: string,
  optimizer: Optimizer,
  states: RunProgress['schedules'],
  update: number,
): void {
  const before = optimizer.scheduleStates();
  try {
    optimizer.restoreSchedules(states);
    optimizer.scalarsAt(update);
  } catch (cause) {
    try {
      optimizer.restoreSchedules(before);
    } catch {
      // One of the caller's own, which takes no state that it gives.
    }
    throw failed(
      'ERR_CHAINRULE_INVALID',
      path,
      `the states of the schedules do not fit: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
}
