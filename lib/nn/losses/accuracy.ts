import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { isFloat } from '../../graph/dtype.js';
import { sameShape } from '../../graph/shapes.js';
import { sum } from '../../ops/primitives/broadcast.js';
import { abs, cast, eq, gt, le, sub, where } from '../../ops/primitives/elementwise.js';
import { unsqueeze } from '../../ops/primitives/movement.js';
import { argMax } from '../../ops/primitives/reduce.js';
import { requireSameShape } from './checks.js';
import { configurable } from './configurable.js';
import { countedLabels, Labels, requireLabelShape } from './labels.js';
import type { Metric, OutputAndTarget } from './loss.js';
import { meanOf } from './reduction.js';

const inputs = ['output', 'target', 'weights'];

export interface AccuracyOptions {
  /** Label whose samples do not count. */
  readonly ignoreIndex?: number;
}

const accuracyOptions = optionsOf<AccuracyOptions>({ ignoreIndex: kinds.integer() });

/**
 * The share of samples whose largest output is at the label, or, for a target of the output's shape, at its largest
 * probability. With `ignoreIndex`, the share of the samples that count.
 */
export const accuracy = configurable<OutputAndTarget, AccuracyOptions, Metric>(
  'accuracy',
  inputs,
  accuracyOptions,
  ({ ignoreIndex }: AccuracyOptions = {}) => {
    return (output, target, weights) => {
      const labels = isFloat(target.dtype) && sameShape(output.shape, target.shape) ? argMax(target) : target;
      requireLabelShape('accuracy', output, labels);
      const hits = cast(eq(argMax(output), cast(labels, 'int32')), 'float32');
      return meanOf('accuracy', hits, weights, countedLabels(labels, ignoreIndex));
    };
  },
);

export interface TopKOptions extends AccuracyOptions {
  /** Number of largest outputs that count as a hit. Default 5. */
  readonly k?: number;
}

const topKOptions = optionsOf<TopKOptions>({ ...accuracyOptions.kinds, k: kinds.count });

/**
 * The share of samples whose label is among the `k` largest outputs. Outputs equal to the label's do not count as
 * larger.
 */
export const topKAccuracy = configurable<OutputAndTarget, TopKOptions, Metric>(
  'topKAccuracy',
  inputs,
  topKOptions,
  ({ k = 5, ignoreIndex }: TopKOptions = {}) => {
    return (output, target, weights) => {
      const labels = new Labels(
        'topKAccuracy',
        output,
        target,
        ignoreIndex === undefined ? {} : { ignoreIndex },
      );
      const ofLabel = unsqueeze(labels.pick(output), -1);
      // `le` rather than `gt`, so that NaN counts as a miss.
      const above = sum(where(le(output, ofLabel), 0, 1), -1);
      const hits = cast(le(above, k - 1), 'float32');
      return meanOf('topKAccuracy', hits, weights, countedLabels(target, ignoreIndex));
    };
  },
);

export interface BinaryAccuracyOptions extends AccuracyOptions {
  /** Outputs above it predict 1. Default 0, for logits; use 0.5 for probabilities. */
  readonly threshold?: number;
}

const binaryAccuracyOptions = optionsOf<BinaryAccuracyOptions>({
  ...accuracyOptions.kinds,
  threshold: kinds.finite,
});

/**
 * The share of outputs that are above the threshold just where the target is above 1/2. Both tensors have the same
 * shape.
 */
export const binaryAccuracy = configurable<OutputAndTarget, BinaryAccuracyOptions, Metric>(
  'binaryAccuracy',
  inputs,
  binaryAccuracyOptions,
  ({ threshold = 0, ignoreIndex }: BinaryAccuracyOptions = {}) => {
    return (output, target, weights) => {
      const truth = requireSameShape('binaryAccuracy', output, target);
      const hits = cast(eq(gt(output, threshold), gt(truth, 0.5)), 'float32');
      return meanOf('binaryAccuracy', hits, weights, countedLabels(target, ignoreIndex));
    };
  },
);

const noOptions = optionsOf<Record<never, never>>({});

/** The mean absolute difference. Both tensors have the same shape. */
export const meanAbsoluteError = configurable<OutputAndTarget, Record<never, never>, Metric>(
  'meanAbsoluteError',
  inputs,
  noOptions,
  () => (output, target, weights) => {
    const difference = sub(output, requireSameShape('meanAbsoluteError', output, target));
    return meanOf('meanAbsoluteError', abs(difference), weights);
  },
);
