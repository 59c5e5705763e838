import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import { zeros } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { Figure } from '../nn/figure.js';
import { sum } from '../ops/primitives/broadcast.js';
import { add, div, eq, mul, where } from '../ops/primitives/elementwise.js';
import { scatterAdd } from '../ops/primitives/gather.js';
import { reshape } from '../ops/primitives/movement.js';
import { type ClassMetricOptions, classesOf, classify, classMetricOptions, flat } from './class-labels.js';

export interface ConfusionMatrixOptions extends ClassMetricOptions {
  /** What the counts are divided by: those of each label, of each prediction, or of all. 0 of 0 is 0. Default nothing. */
  readonly normalize?: 'labels' | 'predictions' | 'all';
}

const confusionMatrixOptions = optionsOf<ConfusionMatrixOptions>({
  ...classMetricOptions.kinds,
  normalize: kinds.oneOf('labels', 'predictions', 'all'),
});

/**
 * The number of samples, or their weight, by label and prediction, as scikit-learn's `confusion_matrix`: a table
 * [classes, classes] whose rows are the labels and whose columns are the predictions.
 */
export const confusionMatrix = checked(
  'confusionMatrix',
  { options: optional(confusionMatrixOptions) },
  ({ normalize, ...options }: ConfusionMatrixOptions = {}): Figure => {
    const op = 'confusionMatrix';
    return new Figure({
      init(output, target) {
        const classes = classesOf(op, { output, target });
        return { counts: zeros([classes, classes], 'float64') };
      },
      update({ counts }, output, target, weights) {
        const batch = classify(op, { output, target, weights }, options);
        const places = add(mul(batch.labels, batch.classes), batch.predictions);
        return { counts: reshape(scatterAdd(flat(counts), places, batch.weights), counts.shape) };
      },
      merge: (a, b) => ({ counts: add(a.counts, b.counts) }),
      result: ({ counts }) => normalised(counts, normalize),
    });
  },
);

/** Axes of the matrix that are summed over for each divisor. */
const axes = { labels: [1], predictions: [0], all: [0, 1] };

function normalised(counts: Tensor, by: ConfusionMatrixOptions['normalize']): Tensor {
  if (by === undefined) return counts;
  const divisor = sum(counts, axes[by], { keepDims: true });
  return div(counts, where(eq(divisor, 0), 1, divisor));
}
