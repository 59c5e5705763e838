import { formatType, invalid } from '../graph/errors.js';
import { sameShape } from '../graph/shapes.js';
import { describeDifference, enumerate } from '../text/names.js';
import { namedIn, refusedOf, requireKnown } from './allowed.js';
import { differencesOf } from './differences.js';
import type { TensorSource } from './file.js';
import type { Fingerprint, Plain } from './fingerprint.js';
import { FIRST_FORMAT, type SavedState } from './state.js';
import { isOfCallback, isOfSteps } from './tensor-sources.js';

/** A tensor of a run, or of a file, which may have other dtypes. */
type Described = Pick<TensorSource, 'name' | 'shape'> & { readonly dtype: string };

/** A run that is to go on from a checkpoint. */
export interface GivenRun {
  readonly settings: Fingerprint;
  readonly tensors: readonly Described[];
  /** Names of parts that may differ, with all that belongs to them. */
  readonly allow: readonly string[];
}

/** Parts that decide which samples a step of an epoch takes: they may change between epochs only. */
export const perEpoch: readonly string[] = ['batchSize', 'dropLast', 'data.length'];

/**
 * Checks that a run is the one in a checkpoint, but for what it means to change. Returns the names of what it changes.
 *
 * @throws with all differences
 */
export function requireFit(
  path: string,
  saved: Pick<SavedState, 'format' | 'settings' | 'progress'> & { readonly tensors: readonly Described[] },
  { settings, tensors, allow }: GivenRun,
): string[] {
  requireKnown('fit', 'checkpoint.allow', allow, [
    'validation',
    ...Object.keys(saved.settings),
    ...Object.keys(settings),
  ]);
  const all =
    saved.format === FIRST_FORMAT ? firstFormat(saved.settings, settings) : [saved.settings, settings];
  const differences = differencesOf(...(all as [Fingerprint, Fingerprint]));
  const refused = refusedOf(differences, allow);
  const texts = [...refused.map(({ text }) => text), ...tensorDifferences(saved.tensors, tensors)];
  if (texts.length > 0) {
    const remedy = namedIn('checkpoint.allow', refused);
    throw invalid('fit', `the checkpoint ${path} is of another run: ${texts.join('; ')}${remedy}`);
  }
  const { epochStep } = saved.progress;
  const changed = differences.map(({ name }) => name);
  const shifted = changed.filter((name) => perEpoch.includes(name));
  if (epochStep > 0 && shifted.length > 0) {
    const expected = `${enumerate(shifted)} may change between epochs only, and the checkpoint ${path} is within one`;
    throw invalid('fit', expected, `${epochStep} steps of an epoch`);
  }
  return changed;
}

/** Settings of the first format under their names of now, and the same ones of a given run. */
function firstFormat(saved: Fingerprint, given: Fingerprint): [Fingerprint, Fingerprint] {
  const names = { accumulate: 'optimizer.accumulate', length: 'data.length' };
  const there = Object.entries({ dropLast: false, ...saved }).map(([name, value]) => [
    names[name as keyof typeof names] ?? name,
    value,
  ]);
  const groups = Object.keys(given).filter((name) => /^optimizer\.groups\[\d+\]$/.test(name));
  const rules = [...groups.map((name) => given[name]), given.optimizer].join(' and ');
  const optimizer = given['optimizer.average'] === null ? rules : `${rules} with average`;
  const here: Fingerprint = { ...given, optimizer };
  // Streams had a length and an order, which meant nothing.
  const kept = (there as [string, Plain][]).filter(
    ([name]) => here[name] !== null && here[name] !== 'a stream',
  );
  return [
    Object.fromEntries(kept),
    Object.fromEntries(kept.map(([name]): [string, Plain] => [name, here[name] ?? null])),
  ];
}

/** Most tensors of other forms that a message names. */
const MOST = 4;

/** Where a checkpoint's tensors differ from the run's in name, shape or dtype; those of the steps may differ. */
function tensorDifferences(saved: readonly Described[], given: readonly Described[]): string[] {
  const here = new Map(given.map((tensor) => [tensor.name, tensor]));
  const there = new Map(saved.map((tensor) => [tensor.name, tensor]));
  // What callbacks keep belongs to their settings.
  const isOwn = (name: string) => !isOfSteps(name) && !isOfCallback(name);
  const missing = [...here.keys()].filter((name) => !there.has(name) && isOwn(name));
  const surplus = [...there.keys()].filter((name) => !here.has(name) && isOwn(name));
  const difference = describeDifference(missing, surplus);
  const others = [...here].flatMap(([name, tensor]) => {
    const like = there.get(name);
    if (!like || (like.dtype === tensor.dtype && sameShape(like.shape, tensor.shape))) return [];
    return [`${name}: ${formatType(like)} in the checkpoint, ${formatType(tensor)} given`];
  });
  const more = others.length > MOST ? [`${others.length - MOST} more tensors have other forms`] : [];
  return [...(difference ? [`among its tensors it ${difference}`] : []), ...others.slice(0, MOST), ...more];
}
