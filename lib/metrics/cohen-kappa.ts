import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import { arange, zeros } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { Figure } from '../nn/figure.js';
import { sum } from '../ops/primitives/broadcast.js';
import { abs, add, div, mul, ne, square, sub } from '../ops/primitives/elementwise.js';
import { scatterAdd } from '../ops/primitives/gather.js';
import { unsqueeze } from '../ops/primitives/movement.js';
import { type ClassMetricOptions, classesOf, classify, classMetricOptions } from './class-labels.js';
import { double } from './samples.js';

export interface CohenKappaOptions extends ClassMetricOptions {
  /**
   * How much a wrong prediction counts: all alike, or by the difference of the two classes' numbers, or by its square, for
   * classes in an order. Default: all alike.
   */
  readonly weights?: 'linear' | 'quadratic';
}

const cohenKappaOptions = optionsOf<CohenKappaOptions>({
  ...classMetricOptions.kinds,
  weights: kinds.oneOf('linear', 'quadratic'),
});

/**
 * Cohen's kappa: the agreement of predictions and labels beyond that of chance, 1 at most, as scikit-learn's
 * `cohen_kappa_score`. NaN if all labels and predictions are of one class.
 */
export const cohenKappa = checked(
  'cohenKappa',
  { options: optional(cohenKappaOptions) },
  ({ weights: scale, ...options }: CohenKappaOptions = {}): Figure => {
    const op = 'cohenKappa';
    return new Figure({
      init(output, target) {
        const counts = zeros([classesOf(op, { output, target })], 'float64');
        return { labels: counts, predictions: counts, distance: zeros([], 'float64') };
      },
      update({ labels, predictions, distance }, output, target, weights) {
        const batch = classify(op, { output, target, weights }, options);
        const distances = distanceOf(batch.labels, batch.predictions, scale);
        return {
          labels: scatterAdd(labels, batch.labels, batch.weights),
          predictions: scatterAdd(predictions, batch.predictions, batch.weights),
          distance: add(distance, sum(mul(distances, batch.weights))),
        };
      },
      merge: (a, b) => ({
        labels: add(a.labels, b.labels),
        predictions: add(a.predictions, b.predictions),
        distance: add(a.distance, b.distance),
      }),
      result({ labels, predictions, distance }) {
        const expected = div(byChance(labels, predictions, scale), sum(labels));
        return sub(1, div(distance, expected));
      },
    });
  },
);

type Scale = CohenKappaOptions['weights'];

/** How much each prediction is off its label, in float64. */
function distanceOf(labels: Tensor, predictions: Tensor, scale: Scale): Tensor {
  if (scale === undefined) return double(ne(labels, predictions));
  const difference = sub(double(labels), double(predictions));
  return scale === 'linear' ? abs(difference) : square(difference);
}

/** The sum of the distances of all pairs of a label and a prediction. */
function byChance(labels: Tensor, predictions: Tensor, scale: Scale): Tensor {
  // Without the matrix of all pairs, which would be large for many classes.
  if (scale === undefined) return sub(mul(sum(labels), sum(predictions)), sum(mul(labels, predictions)));
  const classes = arange(labels.size, 'float64');
  const distances = distanceOf(unsqueeze(classes, 1), classes, scale);
  return sum(mul(mul(distances, unsqueeze(labels, 1)), predictions));
}
