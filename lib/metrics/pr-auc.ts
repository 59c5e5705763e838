import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import { ColumnFigure } from '../nn/figure.js';
import { eq, mul } from '../ops/primitives/elementwise.js';
import { averagePrecision, rank, ranked } from './ranking.js';
import { averageOf, eachRanking, rankingsOf, rowTotals } from './rankings.js';
import { double } from './samples.js';
import { type RankingOptions, rankingOptions, type ScoreColumns, scoreColumns } from './score-columns.js';

/**
 * The area under the precision-recall curve, exactly, as its average precision, scikit-learn's `average_precision_score`: the
 * sum over the scores, the highest first, of the precision at that score times what recall gains there. Nothing is
 * interpolated, as that would make the area too large (Davis & Goadrich 2006). 0 without positive samples. The scores of all
 * samples are kept until the end.
 */
export const prAuc = checked(
  'prAuc',
  { options: optional(rankingOptions) },
  (options: RankingOptions = {}): ColumnFigure => {
    const { average } = options;
    return new ColumnFigure<ScoreColumns>({
      rows: (output, target, weights) => scoreColumns('prAuc', { output, target, weights }, options),
      result(columns) {
        const rankings = rankingsOf('prAuc', columns, average);
        const areas = eachRanking(rankings, ({ scores, labels, weights, own }) => {
          const ranking = rank(scores);
          const positives = mul(weights, double(eq(double(labels), own)));
          return averagePrecision(ranked(positives, ranking), ranked(weights, ranking), ranking);
        });
        return averageOf(areas, rowTotals(rankings), average);
      },
    });
  },
);
