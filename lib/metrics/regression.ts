import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import { zeros } from '../graph/leaf.js';
import { Figure } from '../nn/figure.js';
import * as losses from '../nn/losses/accuracy.js';
import type { Metric } from '../nn/losses/loss.js';
import { sum } from '../ops/primitives/broadcast.js';
import { abs, add, div, maximum, mul, sqrt, square, sub } from '../ops/primitives/elementwise.js';
import { meanFigure, weighted } from './means.js';
import {
  averaged,
  columnsOf,
  type OutputMetricOptions,
  outputMetricOptions,
  outputsIn,
  pairsOf,
} from './outputs.js';

/** The mean absolute difference of outputs and targets: `nn.meanAbsoluteError`. */
export const meanAbsoluteError = checked('meanAbsoluteError', {}, (): Metric => losses.meanAbsoluteError);

/** The mean squared difference of outputs and targets, as scikit-learn's `mean_squared_error`. */
export const meanSquaredError = checked('meanSquaredError', {}, (): Figure => {
  return meanFigure((batch) => {
    const { output, target, weights } = pairsOf('meanSquaredError', batch);
    return { values: square(sub(target, output)), weights };
  });
});

/**
 * The root of the mean squared difference, as scikit-learn's `root_mean_squared_error`: of several outputs, the mean of
 * their roots.
 */
export const rootMeanSquaredError = checked(
  'rootMeanSquaredError',
  { options: optional(outputMetricOptions) },
  (options: OutputMetricOptions = {}): Figure => {
    return new Figure({
      init({ shape }) {
        const none = zeros([outputsIn(shape)], 'float64');
        return { sum: none, weight: none };
      },
      update(state, output, target, given) {
        const pairs = columnsOf('rootMeanSquaredError', { output, target, weights: given });
        const values = square(sub(pairs.target, pairs.output));
        return {
          sum: add(state.sum, sum(weighted({ values, weights: pairs.weights }), 0)),
          weight: add(state.weight, sum(pairs.weights, 0)),
        };
      },
      merge: (a, b) => ({ sum: add(a.sum, b.sum), weight: add(a.weight, b.weight) }),
      result: ({ sum: total, weight }) => averaged(sqrt(div(total, weight)), options),
    });
  },
);

/** The smallest divisor of a relative error, as in scikit-learn. */
const SMALLEST = Number.EPSILON;

/**
 * The mean of the absolute differences divided by the targets' magnitudes, as scikit-learn's
 * `mean_absolute_percentage_error`: 1 is 100 %. A target of 0 counts as 2.2e-16, so that its error is huge.
 */
export const meanAbsolutePercentageError = checked('meanAbsolutePercentageError', {}, (): Figure => {
  return meanFigure((batch) => {
    const { output, target, weights } = pairsOf('meanAbsolutePercentageError', batch);
    return { values: div(abs(sub(target, output)), maximum(abs(target), SMALLEST)), weights };
  });
});

export interface QuantileLossOptions {
  /** The share of the targets that are to be below the outputs, from 0 to 1. Default 0.5. */
  readonly quantile?: number;
}

const quantileLossOptions = optionsOf<QuantileLossOptions>({ quantile: kinds.fraction });

/**
 * The mean pinball loss of outputs that predict a quantile, as scikit-learn's `mean_pinball_loss`: a target above counts
 * its distance times `quantile`, one below times `1 - quantile`. That of the median is half the mean absolute error.
 */
export const quantileLoss = checked(
  'quantileLoss',
  { options: optional(quantileLossOptions) },
  ({ quantile = 0.5 }: QuantileLossOptions = {}): Figure => {
    return meanFigure((batch) => {
      const { output, target, weights } = pairsOf('quantileLoss', batch);
      const above = sub(target, output);
      return { values: maximum(mul(above, quantile), mul(above, quantile - 1)), weights };
    });
  },
);
