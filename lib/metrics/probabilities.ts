import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import type { Tensor } from '../graph/tensor.js';
import { countedLabels } from '../nn/losses/labels.js';
import { softplus } from '../ops/nn/smooth-activations.js';
import { logSoftmax, softmax } from '../ops/nn/softmax.js';
import { takeAlong } from '../ops/primitives/along.js';
import { requireFloat } from '../ops/primitives/checks.js';
import { add, log, maximum, minimum, mul, neg, sigmoid, sub } from '../ops/primitives/elementwise.js';
import { squeeze, unsqueeze } from '../ops/primitives/movement.js';
import {
  classesOf,
  isBinary,
  type LabelMetricOptions,
  labelMetricOptions,
  labelsOf,
} from './class-labels.js';
import { type Batch, double, weightsFor } from './samples.js';

/** Options of metrics of predicted probabilities. */
export interface ProbabilityOptions extends LabelMetricOptions {
  /**
   * What the model gives: logits, of which the softmax or, for outputs of the targets' shape, the sigmoid are the
   * probabilities; or the probabilities themselves. Log-probabilities count as logits. Default 'logits'.
   */
  readonly outputs?: 'logits' | 'probabilities';
}

export const probabilityOptions = optionsOf<ProbabilityOptions>({
  ...labelMetricOptions.kinds,
  outputs: kinds.oneOf('logits', 'probabilities'),
});

/** The targets of a batch, and the weight of each. */
export interface Labelled {
  /** Labels of classes, int32, or, for outputs of the targets' shape, numbers from 0 to 1 in float64. */
  readonly labels: Tensor;
  readonly weights: Tensor;
  readonly binary: boolean;
}

/** Checks the targets of a batch. */
export function labelled(op: string, batch: Batch, { ignoreIndex }: LabelMetricOptions): Labelled {
  const { output, target, weights } = batch;
  requireFloat(op, output, 'the output must be float32 or float64');
  const classes = classesOf(op, batch);
  const counted = countedLabels(target, ignoreIndex);
  const binary = isBinary(batch);
  return {
    labels: binary ? double(target) : labelsOf(op, target, counted, classes),
    weights: weightsFor(op, target.shape, weights, counted),
    binary,
  };
}

/** The probabilities that a model predicts, in float64: of 1, or of each class. */
export function probabilitiesOf(
  output: Tensor,
  { binary }: Labelled,
  { outputs = 'logits' }: ProbabilityOptions,
): Tensor {
  const x = double(output);
  if (outputs === 'probabilities') return x;
  return binary ? sigmoid(x) : softmax(x);
}

/** Minus the logarithm of the probability of each target, in float64. */
export function surprise(
  output: Tensor,
  { labels, binary }: Labelled,
  { outputs = 'logits' }: ProbabilityOptions,
): Tensor {
  const x = double(output);
  if (outputs === 'logits') {
    // -log(sigmoid(x)) is softplus(-x), and -log(1 - sigmoid(x)) is x + softplus(-x).
    if (binary) return add(mul(sub(1, labels), x), softplus(neg(x), { threshold: 40 }));
    return neg(ofLabel(logSoftmax(x), labels));
  }
  const { [output.dtype as 'float32' | 'float64']: eps } = epsilon;
  const logOf = (p: Tensor) => log(minimum(maximum(p, eps), 1 - eps));
  if (!binary) return neg(logOf(ofLabel(x, labels)));
  return neg(add(mul(labels, logOf(x)), mul(sub(1, labels), logOf(sub(1, x)))));
}

/** What scikit-learn keeps probabilities away from 0 and 1, so that their logarithms are finite. */
const epsilon = { float32: 2 ** -23, float64: Number.EPSILON };

/** The element of the last axis at each label. */
export function ofLabel(x: Tensor, labels: Tensor): Tensor {
  return squeeze(takeAlong(x, unsqueeze(labels, -1)), -1);
}
