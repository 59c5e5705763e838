import { checked } from '../graph/arguments/checked.js';
import { type Kind, kind, optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import { ones } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import type { Figure } from '../nn/figure.js';
import { sum } from '../ops/primitives/broadcast.js';
import { add, div, eq, mul, where } from '../ops/primitives/elementwise.js';
import { slice } from '../ops/primitives/movement.js';
import { type ClassCounts, classCounts, isByLabel, requireTwoClasses } from './class-counts.js';
import { type ClassMetricOptions, classMetricOptions, flat } from './class-labels.js';
import { double } from './samples.js';

/**
 * How the scores of classes become one: that of class 1; that of the counts of all classes; their mean; their mean by the
 * number of labels of each class; or all of them, as a table.
 */
export type Average = 'binary' | 'micro' | 'macro' | 'weighted' | 'none';

export interface PrecisionRecallOptions extends ClassMetricOptions {
  /**
   * Default 'binary' for two classes and for outputs of the targets' shape, 'macro' for more classes. Outputs of the targets'
   * shape, [N, L], are L labels for any other average.
   */
  readonly average?: Average;
  /** The score of a class where nothing is to be divided by: 0, 1, or NaN, which the mean leaves out. Default 0. */
  readonly zeroDivision?: number;
}

const zeroDivision: Kind<number> = kind(
  '0, 1 or NaN',
  (value) => value === 0 || value === 1 || Number.isNaN(value),
);

const precisionRecallOptions = optionsOf<PrecisionRecallOptions>({
  ...classMetricOptions.kinds,
  average: kinds.oneOf('binary', 'micro', 'macro', 'weighted', 'none'),
  zeroDivision,
});

export interface FBetaOptions extends PrecisionRecallOptions {
  /** Recall counts `beta ** 2` times in the mean: above 1 for more recall, below for more precision. */
  readonly beta: number;
}

const fBetaOptions = optionsOf<FBetaOptions>({
  ...precisionRecallOptions.kinds,
  beta: needed(kinds.nonNegative),
});

/** A score of a class: `hits` times a factor, divided by labels and predictions, each times a factor. */
interface Factors {
  readonly hits: number;
  readonly labels: number;
  readonly predictions: number;
}

/**
 * The share of the predictions of a class that are right, as scikit-learn's `precision_score`. Classes without a label and
 * without a prediction do not count in the mean.
 */
export const precision = checked(
  'precision',
  { options: optional(precisionRecallOptions) },
  (options: PrecisionRecallOptions = {}): Figure =>
    scoreOf('precision', options, { hits: 1, labels: 0, predictions: 1 }),
);

/**
 * The share of the labels of a class that are found, as scikit-learn's `recall_score`. Classes without a label and without
 * a prediction do not count in the mean.
 */
export const recall = checked(
  'recall',
  { options: optional(precisionRecallOptions) },
  (options: PrecisionRecallOptions = {}): Figure =>
    scoreOf('recall', options, { hits: 1, labels: 1, predictions: 0 }),
);

/** The harmonic mean of precision and recall, as scikit-learn's `f1_score`: `2 TP / (2 TP + FP + FN)`. */
export const f1 = checked(
  'f1',
  { options: optional(precisionRecallOptions) },
  (options: PrecisionRecallOptions = {}): Figure =>
    scoreOf('f1', options, { hits: 2, labels: 1, predictions: 1 }),
);

/**
 * The harmonic mean of precision and recall, of which recall counts `beta ** 2` times, as scikit-learn's `fbeta_score`:
 * `(1 + beta ** 2) TP / ((1 + beta ** 2) TP + FP + beta ** 2 FN)`.
 */
export const fBeta = checked(
  'fBeta',
  { options: fBetaOptions },
  ({ beta, ...options }: FBetaOptions): Figure => {
    const square = beta ** 2;
    return scoreOf('fBeta', options, { hits: 1 + square, labels: square, predictions: 1 });
  },
);

function scoreOf(op: string, options: PrecisionRecallOptions, factors: Factors): Figure {
  const { average, zeroDivision = 0 } = options;
  const byLabel = average !== undefined && average !== 'binary';
  const score = (counts: ClassCounts) => quotient(counts, factors, zeroDivision);
  return classCounts(op, { ...options, byLabel }, (counts) => {
    switch (average ?? (counts.hits.size === 2 && !isByLabel(counts) ? 'binary' : 'macro')) {
      case 'binary':
        requireTwoClasses(op, counts);
        return slice(score(counts), [[1, 2]]);
      case 'micro':
        return score({
          hits: sum(counts.hits),
          labels: sum(counts.labels),
          predictions: sum(counts.predictions),
        });
      case 'none':
        return flat(score(counts));
      case 'macro':
        return meanOver(flat(score(counts)), includedIn(counts, factors, zeroDivision));
      case 'weighted': {
        const included = includedIn(counts, factors, zeroDivision);
        const labels = mul(flat(counts.labels), included);
        // As scikit-learn, the plain mean where there is no label at all.
        return meanOver(flat(score(counts)), where(eq(sum(labels), 0), included, labels));
      }
    }
  });
}

function quotient(counts: ClassCounts, factors: Factors, undefinedScore: number): Tensor {
  const divisor = divisorOf(counts, factors);
  const isZero = eq(divisor, 0);
  return where(isZero, undefinedScore, div(mul(counts.hits, factors.hits), where(isZero, 1, divisor)));
}

function divisorOf({ labels, predictions }: ClassCounts, factors: Factors): Tensor {
  return add(mul(labels, factors.labels), mul(predictions, factors.predictions));
}

/** 1 for the classes whose scores count in a mean, else 0. */
function includedIn(counts: ClassCounts, factors: Factors, undefinedScore: number): Tensor {
  const occurs = isByLabel(counts)
    ? ones(counts.hits.shape, 'bool')
    : eq(eq(add(counts.labels, counts.predictions), 0), 0);
  const isDefined = eq(eq(divisorOf(counts, factors), 0), 0);
  return flat(double(Number.isNaN(undefinedScore) ? where(occurs, isDefined, 0) : occurs));
}

/** The mean of values by weights; those of weight 0 may be anything. */
export function meanOver(values: Tensor, weights: Tensor): Tensor {
  return div(sum(where(eq(weights, 0), 0, mul(values, weights))), sum(weights));
}
