import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import { invalid } from '../graph/errors.js';
import { arange, zeros } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { ColumnFigure } from '../nn/figure.js';
import { sum } from '../ops/primitives/broadcast.js';
import { add, div, eq, gt, mul, ne, sub, where } from '../ops/primitives/elementwise.js';
import { scatterAdd } from '../ops/primitives/gather.js';
import { unsqueeze } from '../ops/primitives/movement.js';
import { meanOver } from './precision-recall.js';
import { positivesAbove, rank, ranked } from './ranking.js';
import {
  averageOf,
  eachRanking,
  isOfClasses,
  type Rankings,
  type RowTotals,
  rankingsOf,
  rowTotals,
  totalsOf,
} from './rankings.js';
import { double } from './samples.js';
import { type RankingOptions, rankingOptions, type ScoreColumns, scoreColumns } from './score-columns.js';

export interface RocAucOptions extends RankingOptions {
  /**
   * What the scores of a class are compared with: those of all other samples, 'ovr' (one versus rest), or those of each
   * other class, 'ovo' (one versus one), of which the mean over all pairs of classes is taken (Hand & Till 2001). Default
   * 'ovr'.
   */
  readonly multiClass?: 'ovr' | 'ovo';
}

const rocAucOptions = optionsOf<RocAucOptions>({
  ...rankingOptions.kinds,
  multiClass: kinds.oneOf('ovr', 'ovo'),
});

/**
 * The area under the receiver operating characteristic, exactly, as scikit-learn's `roc_auc_score`: the share of the pairs
 * of a positive and a negative sample of which the positive one has the higher score, where equal scores count half. NaN
 * without positive or without negative samples. The scores of all samples are kept until the end.
 */
export const rocAuc = checked(
  'rocAuc',
  { options: optional(rocAucOptions) },
  (options: RocAucOptions = {}): ColumnFigure => {
    const { average, multiClass = 'ovr' } = options;
    if (multiClass === 'ovo' && average !== undefined && average !== 'macro' && average !== 'weighted') {
      throw invalid('rocAuc', "average of multiClass 'ovo' must be 'macro' or 'weighted'", average);
    }
    return new ColumnFigure<ScoreColumns>({
      // One versus one, two classes are a pair as any other.
      rows: (output, target, weights) =>
        scoreColumns(
          'rocAuc',
          { output, target, weights },
          multiClass === 'ovo' ? { average: 'macro', ...options } : options,
        ),
      result(columns) {
        const rankings = rankingsOf('rocAuc', columns, average);
        const pairs = orderedPairs(rankings);
        if (multiClass === 'ovo' && isOfClasses(rankings)) {
          return ofPairs(pairs, totalsOf(rankings), average === 'weighted');
        }
        const totals = rowTotals(rankings);
        return averageOf(againstRest(rankings, pairs, totals), totals, average);
      },
    });
  },
);

/**
 * The weights of the pairs of a sample of a row's own class and one of each class, of which the first has the higher score:
 * [rows, classes].
 */
function orderedPairs(rankings: Rankings): Tensor {
  return eachRanking(rankings, ({ scores, labels, weights, own }) => {
    const ranking = rank(scores);
    const [ownLabels, ownWeights] = [ranked(labels, ranking), ranked(weights, ranking)];
    const positives = mul(ownWeights, double(eq(double(ownLabels), own)));
    const above = positivesAbove(positives, ranking);
    return scatterAdd(zeros([rankings.classes], 'float64'), ownLabels, mul(above, ownWeights));
  });
}

/** The areas of each row's own class against all others. */
function againstRest({ own, classes }: Rankings, pairs: Tensor, { positives, all }: RowTotals): Tensor {
  const others = double(ne(arange(classes, 'float64'), unsqueeze(own, 1)));
  return div(sum(mul(pairs, others), 1), mul(positives, sub(all, positives)));
}

/** The mean area of the pairs of classes that have samples, or their mean by the samples of both. */
function ofPairs(pairs: Tensor, totals: Tensor, isWeighted: boolean): Tensor {
  const classes = arange(totals.size, 'float64');
  const both = mul(unsqueeze(totals, 1), totals);
  const counts = where(eq(unsqueeze(classes, 1), classes), 0, double(gt(both, 0)));
  return meanOver(div(pairs, both), isWeighted ? mul(counts, add(unsqueeze(totals, 1), totals)) : counts);
}
