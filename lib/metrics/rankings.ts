import { arange, ones, zeros } from '../graph/leaf.js';
import { sameShape } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';
import { oneHot } from '../ops/indexing/one-hot.js';
import { mean } from '../ops/math/reductions.js';
import { expand, sum } from '../ops/primitives/broadcast.js';
import { cast, div, eq, mul, where } from '../ops/primitives/elementwise.js';
import { scatterAdd } from '../ops/primitives/gather.js';
import { reshape, slice, transpose, unsqueeze } from '../ops/primitives/movement.js';
import { scan } from '../ops/scan/scan.js';
import { flat, rowsOf } from './class-labels.js';
import type { Average } from './precision-recall.js';
import { double, nanMask, spoiled, weightsFor } from './samples.js';
import type { ScoreColumns } from './score-columns.js';

/** Rankings of all samples by the scores of several classes or labels, a row for each. */
export interface Rankings {
  /** [rows, samples] */
  readonly scores: Tensor;
  /** The classes of the samples, int32, [samples] or, if each row has its own, [rows, samples]. */
  readonly labels: Tensor;
  /** float64, of the shape of the labels. */
  readonly weights: Tensor;
  /** The class whose scores each row has, float64, [rows]. */
  readonly own: Tensor;
  readonly classes: number;
}

/** One of several rankings. */
export interface RankingRow {
  readonly scores: Tensor;
  readonly labels: Tensor;
  /** NaN for scores that are. */
  readonly weights: Tensor;
  readonly own: Tensor;
}

/** The rankings that an average is taken of. */
export function rankingsOf(op: string, columns: ScoreColumns, average: Average | undefined): Rankings {
  const { scores, counted } = columns;
  const labels = cast(columns.labels, 'int32');
  const weights = weightsFor(op, labels.shape, columns.weights, counted);
  if (!sameShape(scores.shape, labels.shape)) {
    const classes = scores.shape.at(-1) as number;
    if (average === 'micro') {
      return pooled(scores, oneHot(labels, classes, 'int32'), expand(unsqueeze(weights, -1), scores.shape));
    }
    const own = arange(classes, 'float64');
    return { scores: byColumn(scores), labels: flat(labels), weights: flat(weights), own, classes };
  }
  const byLabel = average === 'macro' || average === 'weighted' || average === 'none';
  if (!byLabel || scores.ndim === 1 || scores.shape.at(-1) === 1) return pooled(scores, labels, weights);
  return {
    scores: byColumn(scores),
    labels: byColumn(labels),
    weights: byColumn(weights),
    own: ones([scores.shape.at(-1) as number], 'float64'),
    classes: 2,
  };
}

/** One ranking of all scores. */
function pooled(scores: Tensor, labels: Tensor, weights: Tensor): Rankings {
  return {
    scores: reshape(scores, [1, scores.size]),
    labels: flat(labels),
    weights: flat(weights),
    own: ones([1], 'float64'),
    classes: 2,
  };
}

/** Each place of the last axis as a row of all samples. */
function byColumn(x: Tensor): Tensor {
  return transpose(rowsOf(x));
}

/**
 * What a function makes of each ranking, float64, stacked. The rankings come one after the other, so that many classes take
 * no more memory to be sorted than one.
 */
export function eachRanking(rankings: Rankings, fn: (row: RankingRow) => Tensor): Tensor {
  const { scores, labels, weights, own } = rankings;
  const body = (row: RankingRow) => fn({ ...row, weights: spoiled(row.weights, nanMask(row.scores)) });
  if (own.size === 1) {
    const only = body({
      scores: flat(scores),
      labels: flat(labels),
      weights: flat(weights),
      own: reshape(own, []),
    });
    return reshape(only, [1, ...only.shape]);
  }
  const apart = labels.ndim === 2 ? [labels, weights] : [];
  const { outputs } = scan(
    (_, [ofRow, one, ownLabels = labels, ownWeights = weights]) => ({
      carry: [],
      outputs: [
        body({ scores: ofRow as Tensor, own: one as Tensor, labels: ownLabels, weights: ownWeights }),
      ],
    }),
    { inputs: [scores, own, ...apart] },
  );
  return outputs[0] as Tensor;
}

/** True for a ranking of each class, false for those of labels, and for a single one. */
export function isOfClasses({ labels, own, classes }: Rankings): boolean {
  return labels.ndim === 1 && own.size === classes;
}

/** The weight of the samples of each class. */
export function totalsOf({ labels, weights, classes }: Rankings): Tensor {
  return scatterAdd(zeros([classes], 'float64'), labels, weights);
}

/** Weights of samples by row. */
export interface RowTotals {
  /** Of those of the row's own class. */
  readonly positives: Tensor;
  /** Of all of them. */
  readonly all: Tensor;
}

/** The weights of each row's positive samples, and of all of its samples. */
export function rowTotals(rankings: Rankings): RowTotals {
  const { labels, weights } = rankings;
  if (labels.ndim === 2) return { positives: sum(mul(double(labels), weights), 1), all: sum(weights, 1) };
  const totals = totalsOf(rankings);
  return { positives: isOfClasses(rankings) ? totals : slice(totals, [[1]]), all: sum(totals) };
}

/** The areas of rows as one figure, or all of them. */
export function averageOf(areas: Tensor, { positives }: RowTotals, average: Average | undefined): Tensor {
  if (average === 'none') return areas;
  if (average !== 'weighted') return mean(areas);
  const total = sum(positives);
  // An area that is undefined, for want of a positive sample, has no weight.
  const terms = where(eq(positives, 0), 0, mul(areas, positives));
  return div(sum(terms), where(eq(total, 0), 1, total));
}
