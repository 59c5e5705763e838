import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { isFloat, type TypedArray } from '../../graph/dtype.js';
import { formatShape, formatType, invalid } from '../../graph/errors.js';
import { type Shape, sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { logSoftmax } from '../../ops/nn/softmax.js';
import { sum } from '../../ops/primitives/broadcast.js';
import { requireFloat } from '../../ops/primitives/checks.js';
import { add, mul, neg } from '../../ops/primitives/elementwise.js';
import { accuracy } from './accuracy.js';
import { targetsMust } from './checks.js';
import { configurable } from './configurable.js';
import {
  checkLabelRange,
  classWeights,
  type LabelOptions,
  Labels,
  labelOptions,
  requireLabelOptions,
} from './labels.js';
import type { Loss, Metric, OutputAndTarget, TargetCheck } from './loss.js';
import { reducer } from './reduction.js';
import { labelHint } from './shape-hint.js';

export interface CrossEntropyOptions extends LabelOptions {
  /** The share of every target that is spread evenly over all classes (Szegedy et al. 2016). Default 0. */
  readonly labelSmoothing?: number;
}

const crossEntropyOptions = optionsOf<CrossEntropyOptions>({
  ...labelOptions.kinds,
  labelSmoothing: kinds.fraction,
});

/** A loss of class targets, with metrics and a check of its targets. */
export interface ClassLoss extends Loss {
  readonly metrics: { readonly accuracy: Metric };
  readonly checkTargets: TargetCheck;
}

/**
 * The negative log-likelihood of the targets under the softmax of `logits`, as `torch.nn.CrossEntropyLoss`, with the
 * classes on the last axis; stable for logits of any size.
 *
 * The mean is over the samples whose label is not `ignoreIndex`, weighted by the `weight` of their classes; 0 if
 * there are none. It is a ratio of two sums, which a Trainer adds up over the shards of a step before it divides. Targets
 * that are probabilities allow no `ignoreIndex`, and their mean is over all samples, whatever the weights.
 *
 * @param logits [..., classes]
 * @param target labels [...], int32 or uint8, from 0 to classes - 1, any other being an error at run time; or
 *   probabilities, floats of the shape of the logits
 */
export const crossEntropy = configurable<OutputAndTarget, CrossEntropyOptions, ClassLoss>(
  'crossEntropy',
  ['logits', 'target', 'weights'],
  crossEntropyOptions,
  (options: CrossEntropyOptions = {}) => {
    const { labelSmoothing = 0, ignoreIndex } = options;
    requireLabelOptions('crossEntropy', options);
    const loss = (logits: Tensor, target: Tensor, weights?: Tensor): Tensor => {
      requireFloat('crossEntropy', logits, 'logits must be float32 or float64');
      if (!isFloat(target.dtype)) return ofLabels(logits, target, options, labelSmoothing, weights);
      return ofProbabilities(logits, target, options, labelSmoothing, weights);
    };
    const counted = ignoreIndex === undefined ? accuracy : accuracy.with({ ignoreIndex });
    return Object.assign(loss, { metrics: { accuracy: counted }, checkTargets: checker(ignoreIndex) });
  },
);

function ofLabels(
  logits: Tensor,
  target: Tensor,
  options: CrossEntropyOptions,
  smoothing: number,
  weights: Tensor | undefined,
): Tensor {
  const { weight, reduction = 'mean' } = options;
  const logShares = logSoftmax(logits);
  const labels = new Labels('crossEntropy', logits, target, options);
  const ofTarget = labels.weighted(neg(labels.pick(logShares)));
  if (smoothing === 0) return labels.reduce(ofTarget, reduction, weights);
  const factors = weight === undefined ? null : classWeights('crossEntropy', weight, logits);
  const ofAll = labels.counted(neg(sum(factors ? mul(logShares, factors) : logShares, -1)));
  const spread = smoothing / (logits.shape.at(-1) as number);
  return labels.reduce(add(mul(ofTarget, 1 - smoothing), mul(ofAll, spread)), reduction, weights);
}

function ofProbabilities(
  logits: Tensor,
  target: Tensor,
  { weight, ignoreIndex, reduction }: CrossEntropyOptions,
  smoothing: number,
  weights: Tensor | undefined,
): Tensor {
  if (!sameShape(logits.shape, target.shape)) {
    const shape = formatShape(logits.shape);
    const expected = `labels must be int32 or uint8, and probabilities of the shape ${shape}${labelHint(logits, target)}`;
    throw invalid('crossEntropy', expected, formatType(target));
  }
  if (ignoreIndex !== undefined) {
    throw invalid('crossEntropy', 'ignoreIndex needs labels for targets', target.dtype);
  }
  const spread = smoothing / (logits.shape.at(-1) as number);
  const shares = smoothing === 0 ? target : add(mul(target, 1 - smoothing), spread);
  const terms = mul(logSoftmax(logits), shares);
  const factors = weight === undefined ? null : classWeights('crossEntropy', weight, logits);
  const losses = neg(sum(factors ? mul(terms, factors) : terms, -1));
  return reducer('crossEntropy', reduction)(losses, weights);
}

function checker(ignoreIndex?: number): TargetCheck {
  const labels = checkLabelRange('crossEntropy', ignoreIndex);
  const shares = targetsMust('crossEntropy', 'a finite number of at least 0', (p) => p >= 0 && p < Infinity);
  return (targets: TypedArray, output: Shape) =>
    targets instanceof Float32Array || targets instanceof Float64Array
      ? shares(targets)
      : labels(targets, output);
}
