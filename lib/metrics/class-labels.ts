import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import { at } from '../graph/at.js';
import { isFloat } from '../graph/dtype.js';
import { formatShape, invalid } from '../graph/errors.js';
import { sameShape } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';
import { countedLabels, requireLabelShape } from '../nn/losses/labels.js';
import { shapeHint } from '../nn/losses/shape-hint.js';
import { any } from '../ops/math/reductions.js';
import { requireFloat } from '../ops/primitives/checks.js';
import { cast, gt, where } from '../ops/primitives/elementwise.js';
import { checkLabels } from '../ops/primitives/gather.js';
import { reshape } from '../ops/primitives/movement.js';
import { argMax } from '../ops/primitives/reduce.js';
import { type Batch, label, nanMask, spoiled, weightsFor } from './samples.js';

/** Options of metrics of labels. */
export interface LabelMetricOptions {
  /** Label whose samples do not count. */
  readonly ignoreIndex?: number;
}

export const labelMetricOptions = optionsOf<LabelMetricOptions>({ ignoreIndex: label });

/** Options of metrics of predicted classes. */
export interface ClassMetricOptions extends LabelMetricOptions {
  /**
   * Outputs above it predict 1, where outputs have the targets' shape. Default 0, for logits; use 0.5 for probabilities.
   */
  readonly threshold?: number;
}

export const classMetricOptions = optionsOf<ClassMetricOptions>({
  ...labelMetricOptions.kinds,
  threshold: kinds.finite,
});

/** Labels, and predictions of them, on one axis. */
export interface Classified {
  readonly classes: number;
  /** int32, checked when the graph runs. */
  readonly labels: Tensor;
  /** int32 */
  readonly predictions: Tensor;
  /** float64 */
  readonly weights: Tensor;
}

/** True for outputs of the targets' shape, each of which is a decision between 0 and 1. */
export function isBinary({ output, target }: Batch): boolean {
  return sameShape(output.shape, target.shape);
}

/** The number of classes: 2 for outputs of the targets' shape, else the last axis of the output. */
export function classesOf(op: string, batch: Batch): number {
  if (isBinary(batch)) return 2;
  const { output, target } = batch;
  const classes = requireLabelShape(op, output, target);
  // A single output for each target is a decision between 0 and 1 whose shape has an axis too many.
  if (classes > 1) return classes;
  const shapes = `${formatShape(output.shape)} and ${formatShape(target.shape)}${shapeHint(output, target)}`;
  throw invalid(op, `the output must have the target's shape, or two classes at least, got ${shapes}`);
}

/** The classes of a batch and those predicted: the largest output, or 1 for an output above the threshold. */
export function classify(op: string, batch: Batch, options: ClassMetricOptions): Classified {
  const { output, target, weights } = batch;
  requireFloat(op, output, 'the output must be float32 or float64');
  const classes = classesOf(op, batch);
  const binary = isBinary(batch);
  const { threshold = 0, ignoreIndex } = options;
  if (!binary) requireNoThreshold(op, options.threshold);
  const counted = countedLabels(target, ignoreIndex);
  const labels = binary ? decisionsOf(target, 0.5) : labelsOf(op, target, counted, classes);
  const undecided = binary ? nanMask(output) : any(nanMask(output), -1);
  const of = weightsFor(op, target.shape, weights, counted);
  return {
    classes,
    labels: flat(labels),
    predictions: flat(binary ? decisionsOf(output, threshold) : argMax(output)),
    weights: flat(spoiled(of, undecided)),
  };
}

/** 1 for numbers above the threshold, else 0. */
export function decisionsOf(x: Tensor, threshold: number): Tensor {
  return cast(gt(isFloat(x.dtype) ? x : cast(x, 'float64'), threshold), 'int32');
}

/** Labels of classes whose range is checked when the graph runs; those that do not count become 0. */
export function labelsOf(op: string, target: Tensor, counted: Tensor | undefined, classes: number): Tensor {
  if (target.dtype !== 'int32' && target.dtype !== 'uint8') {
    throw invalid(op, 'labels must be int32 or uint8', target.dtype);
  }
  const whole = cast(target, 'int32');
  return checkLabels(op, counted ? where(counted, whole, 0) : whole, classes);
}

function requireNoThreshold(op: string, threshold: number | undefined): void {
  if (threshold === undefined) return;
  throw invalid(op, "threshold needs outputs of the target's shape; of classes, the largest output counts");
}

/** All elements on one axis. */
export function flat(x: Tensor): Tensor {
  return reshape(x, [x.size]);
}

/** All axes but the last joined to one. */
export function rowsOf(x: Tensor): Tensor {
  const columns = at(x.shape, x.ndim - 1);
  return reshape(x, [x.size / columns, columns]);
}
