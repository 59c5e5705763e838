import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import type { Tensor } from '../graph/tensor.js';
import { Figure } from '../nn/figure.js';
import { sum } from '../ops/primitives/broadcast.js';
import {
  add,
  div,
  eq,
  gt,
  lt,
  maximum,
  minimum,
  mul,
  sqrt,
  sub,
  where,
} from '../ops/primitives/elementwise.js';
import { type JointMoments, mergedMoments, momentsOf, noMoments } from './moments.js';
import { averaged, columnsOf, type OutputMetricOptions, outputMetricOptions, outputsIn } from './outputs.js';
import { meanOver } from './precision-recall.js';
import { double } from './samples.js';

export interface VarianceMetricOptions {
  /** The mean of all outputs, their mean by the variances of the targets, or a table of them. Default 'uniform'. */
  readonly average?: 'uniform' | 'variance' | 'none';
}

const varianceMetricOptions = optionsOf<VarianceMetricOptions>({
  average: kinds.oneOf('uniform', 'variance', 'none'),
});

/**
 * The coefficient of determination, the share of the targets' variance that the outputs explain, as scikit-learn's
 * `r2_score`: 1 minus the sum of squared errors over that of the targets' distances to their mean. For targets that are all
 * the same it is 1 if the outputs are those, else 0. NaN for fewer than two samples.
 */
export const r2 = checked(
  'r2',
  { options: optional(varianceMetricOptions) },
  (options: VarianceMetricOptions = {}): Figure => {
    return jointFigure('r2', ({ errors, targets, count }) => {
      // The sum of squares around 0 is that around the mean, and what the mean adds.
      const rest = add(errors.squares, mul(errors.weight, mul(errors.mean, errors.mean)));
      const scores = where(lt(count, 2), Number.NaN, shareExplained(rest, targets));
      return ofVariances(scores, targets, options);
    });
  },
);

/**
 * The share of the targets' variance that the outputs explain, whatever their offset, as scikit-learn's
 * `explained_variance_score`: 1 minus the variance of the errors over that of the targets. For targets that are all the
 * same it is 1 if the errors are, too, else 0.
 */
export const explainedVariance = checked(
  'explainedVariance',
  { options: optional(varianceMetricOptions) },
  (options: VarianceMetricOptions = {}): Figure => {
    return jointFigure('explainedVariance', ({ errors, targets }) => {
      return ofVariances(shareExplained(errors.squares, targets), targets, options);
    });
  },
);

/**
 * Pearson's correlation coefficient of outputs and targets, from -1 to 1, as SciPy's `pearsonr`. NaN if either are all the
 * same.
 */
export const pearsonCorrelation = checked(
  'pearsonCorrelation',
  { options: optional(outputMetricOptions) },
  (options: OutputMetricOptions = {}): Figure => {
    return new Figure<JointMoments>({
      init: ({ shape }) => noMoments(outputsIn(shape)),
      update(state, output, target, given) {
        const pairs = columnsOf('pearsonCorrelation', { output, target, weights: given });
        return mergedMoments(state, momentsOf(pairs.output, pairs.target, pairs.weights));
      },
      merge: mergedMoments,
      result({ xx, yy, xy }) {
        const correlation = div(xy, mul(sqrt(xx), sqrt(yy)));
        return averaged(minimum(maximum(correlation, -1), 1), options);
      },
    });
  },
);

interface ErrorsAndTargets {
  /** `squares` is the sum of the squared distances to the mean. */
  readonly errors: { readonly weight: Tensor; readonly mean: Tensor; readonly squares: Tensor };
  /** The sum of the squared distances of the targets to their mean. */
  readonly targets: Tensor;
  /** Number of samples of weight. */
  readonly count: Tensor;
}

/** A figure that is computed from the moments of the errors and of the targets. */
function jointFigure(op: string, result: (moments: ErrorsAndTargets) => Tensor): Figure {
  return new Figure<JointMoments & { readonly count: Tensor }>({
    init({ shape }) {
      const none = noMoments(outputsIn(shape));
      return { ...none, count: none.weight };
    },
    update({ count, ...moments }, output, target, given) {
      const pairs = columnsOf(op, { output, target, weights: given });
      const error = sub(pairs.target, pairs.output);
      return {
        ...mergedMoments(moments, momentsOf(error, pairs.target, pairs.weights)),
        count: add(count, sum(double(gt(pairs.weights, 0)), 0)),
      };
    },
    merge: (a, b) => ({ ...mergedMoments(a, b), count: add(a.count, b.count) }),
    result: ({ weight, startX, meanX, xx, yy, count }) =>
      result({ errors: { weight, mean: add(startX, meanX), squares: xx }, targets: yy, count }),
  });
}

/** 1 minus a quotient; where nothing can be explained, 1 if nothing is left to be explained, else 0. */
function shareExplained(rest: Tensor, all: Tensor): Tensor {
  const nothing = eq(all, 0);
  const share = sub(1, div(rest, where(nothing, 1, all)));
  return where(nothing, where(eq(rest, 0), 1, mul(rest, 0)), share);
}

function ofVariances(
  scores: Tensor,
  variances: Tensor,
  { average = 'uniform' }: VarianceMetricOptions,
): Tensor {
  if (average !== 'variance') return averaged(scores, { average });
  const uniform = averaged(scores, { average: 'uniform' });
  return where(eq(sum(variances), 0), uniform, meanOver(scores, variances));
}
