import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import type { Tensor } from '../graph/tensor.js';
import type { Figure } from '../nn/figure.js';
import { oneHot } from '../ops/indexing/one-hot.js';
import { sum } from '../ops/primitives/broadcast.js';
import { exp, mul, square, sub } from '../ops/primitives/elementwise.js';
import { meanFigure } from './means.js';
import {
  labelled,
  type ProbabilityOptions,
  probabilitiesOf,
  probabilityOptions,
  surprise,
} from './probabilities.js';

/** A figure of the mean of minus the logarithms of the targets' probabilities. */
function surpriseFigure(op: string, options: ProbabilityOptions, result?: (mean: Tensor) => Tensor): Figure {
  return meanFigure((batch) => {
    const targets = labelled(op, batch, options);
    return { values: surprise(batch.output, targets, options), weights: targets.weights };
  }, result);
}

/**
 * Minus the mean logarithm of the targets' predicted probabilities, as scikit-learn's `log_loss`. It is finite also for a
 * probability of 0, which counts as the epsilon of the output's dtype; of logits the logarithms are exact.
 */
export const logLoss = checked(
  'logLoss',
  { options: optional(probabilityOptions) },
  (options: ProbabilityOptions = {}): Figure => surpriseFigure('logLoss', options),
);

/**
 * e to the power of the log loss: the number of equally likely tokens among which the model is as unsure, for language
 * models, whose labels are tokens.
 */
export const perplexity = checked(
  'perplexity',
  { options: optional(probabilityOptions) },
  (options: ProbabilityOptions = {}): Figure => surpriseFigure('perplexity', options, exp),
);

/**
 * The mean squared distance of the predicted probabilities from the targets, as scikit-learn's `brier_score_loss`: summed
 * over the classes if there are more than two, and from 0 to 1 for two.
 */
export const brierScore = checked(
  'brierScore',
  { options: optional(probabilityOptions) },
  (options: ProbabilityOptions = {}): Figure => {
    return meanFigure((batch) => {
      const targets = labelled('brierScore', batch, options);
      const shares = probabilitiesOf(batch.output, targets, options);
      if (targets.binary) return { values: square(sub(shares, targets.labels)), weights: targets.weights };
      const classes = shares.shape.at(-1) as number;
      const distances = sum(square(sub(shares, oneHot(targets.labels, classes, 'float64'))), -1);
      return { values: mul(distances, classes === 2 ? 0.5 : 1), weights: targets.weights };
    });
  },
);
