import type { TypedArray } from '../graph/dtype.js';
import { invalid, requireInteger } from '../graph/errors.js';
import { addon } from '../runtime/addon.js';
import { beta, sampleRandom } from './random.js';
import type { Mixup } from './transforms/transform.js';

/** Keys of the draw of a batch's share. */
export interface Draw {
  readonly seed: number;
  readonly epoch: number;
  /** Index of the transform in the list of all. */
  readonly position: number;
  /** Index of the batch's first sample. */
  readonly first: number;
}

/** Rows with one input and one target. */
export interface Mixed {
  readonly inputs: TypedArray;
  readonly targets: TypedArray;
}

/** The rows to mix, each with the row before it. */
interface Mixing {
  readonly target: Mixed;
  /** The row before the first. */
  readonly before: Mixed;
  readonly count: number;
  /** Number of elements of a row. */
  readonly size: { readonly inputs: number; readonly targets: number };
}

/** Mixes float32 inputs and float32 targets. */
export function mix(transform: Mixup, draw: Draw, mixing: Mixing): void {
  const share = mixInputs(transform, draw, mixing);
  const { target, before, count, size } = mixing;
  addon().mixRows(float32(target.targets), float32(before.targets), count, size.targets, share);
}

/** Mixes inputs, and writes the shares of the labels as class probabilities. */
export function mixWithLabels(transform: Mixup, draw: Draw, mixing: Mixing, labels: TypedArray): void {
  const share = mixInputs(transform, draw, mixing);
  const { target, before, count, size } = mixing;
  const classes = size.targets;
  const probabilities = target.targets;
  probabilities.fill(0, 0, count * classes);
  for (let i = 0; i < count; i++) {
    const own = requireLabel(labels[i], classes);
    const other = requireLabel(i > 0 ? labels[i - 1] : before.targets[0], classes);
    probabilities[i * classes + own] = share;
    (probabilities[i * classes + other] as number) += 1 - share;
  }
}

function mixInputs(
  { alpha }: Mixup,
  { seed, epoch, position, first }: Draw,
  { target, before, count, size }: Mixing,
): number {
  const share = beta(alpha, sampleRandom(seed, epoch, position, first));
  addon().mixRows(float32(target.inputs), float32(before.inputs), count, size.inputs, share);
  return share;
}

function requireLabel(label: number | undefined, classes: number): number {
  return requireInteger('mixup', 'a label', label, { min: 0, max: classes - 1 });
}

function float32(array: TypedArray): Float32Array {
  if (array instanceof Float32Array) return array;
  throw invalid('mixup', 'needs float32', array);
}
