import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import type { Figure } from '../nn/figure.js';
import { sum } from '../ops/primitives/broadcast.js';
import { add, div, eq, mul, sqrt, square, sub, where } from '../ops/primitives/elementwise.js';
import { classCounts } from './class-counts.js';
import { type ClassMetricOptions, classMetricOptions } from './class-labels.js';
import { meanOver } from './precision-recall.js';
import { double } from './samples.js';

// Scores of predicted classes that need no more than the counts by class.

/**
 * The mean recall of the classes that have a label, as scikit-learn's `balanced_accuracy_score`: the accuracy as it would be
 * with as many samples of each class.
 */
export const balancedAccuracy = checked(
  'balancedAccuracy',
  { options: optional(classMetricOptions) },
  (options: ClassMetricOptions = {}): Figure =>
    classCounts('balancedAccuracy', options, ({ hits, labels }) => {
      return meanOver(div(hits, labels), double(eq(eq(labels, 0), 0)));
    }),
);

/**
 * Matthews' correlation coefficient of labels and predictions, from -1 to 1, of any number of classes (Gorodkin 2004), as
 * scikit-learn's `matthews_corrcoef`. It is 0 if all labels or all predictions are of one class.
 */
export const matthewsCorrelation = checked(
  'matthewsCorrelation',
  { options: optional(classMetricOptions) },
  (options: ClassMetricOptions = {}): Figure =>
    classCounts('matthewsCorrelation', options, ({ hits, labels, predictions }) => {
      const total = square(sum(labels));
      const together = sub(mul(sum(hits), sum(labels)), sum(mul(labels, predictions)));
      const apart = mul(sub(total, sum(square(labels))), sub(total, sum(square(predictions))));
      const isZero = eq(apart, 0);
      return where(isZero, 0, div(together, sqrt(where(isZero, 1, apart))));
    }),
);

export interface MeanIoUOptions extends ClassMetricOptions {
  /** Their mean, or a table of all classes, in which one without labels and predictions is NaN. Default 'macro'. */
  readonly average?: 'macro' | 'none';
}

const meanIoUOptions = optionsOf<MeanIoUOptions>({
  ...classMetricOptions.kinds,
  average: kinds.oneOf('macro', 'none'),
});

/**
 * The mean over the classes of the intersection of labels and predictions over their union, `TP / (TP + FP + FN)`, as
 * scikit-learn's `jaccard_score`: of segmentations, each position is a sample. Classes without a label and without a
 * prediction do not count.
 */
export const meanIoU = checked(
  'meanIoU',
  { options: optional(meanIoUOptions) },
  ({ average = 'macro', ...options }: MeanIoUOptions = {}): Figure =>
    classCounts('meanIoU', options, ({ hits, labels, predictions }) => {
      const union = sub(add(labels, predictions), hits);
      const scores = div(hits, union);
      return average === 'none' ? scores : meanOver(scores, double(eq(eq(union, 0), 0)));
    }),
);
