import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { full, ones } from '../../graph/leaf.js';
import { sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { mean } from '../../ops/math/reductions.js';
import { expand, sum } from '../../ops/primitives/broadcast.js';
import { cast, mul, where } from '../../ops/primitives/elementwise.js';
import { reshape } from '../../ops/primitives/movement.js';
import { ratio, totalOf } from './sums.js';

/** Reduction of the losses of elements or samples: their mean, their sum, or all of them unchanged. */
export type Reduction = 'mean' | 'sum' | 'none';

export interface ReductionOptions {
  /**
   * Default 'mean'. A Trainer also takes 'sum', whose gradient is that of the sum over the whole step, but not 'none'.
   */
  readonly reduction?: Reduction;
}

const reduction = kinds.oneOf('mean', 'sum', 'none');

/** The kinds of `ReductionOptions`. */
export const reductionOptions = optionsOf<ReductionOptions>({ reduction });

/** Reduces values, of which each sample's count by its weight if there are weights. */
export type Reducer = (values: Tensor, weights?: Tensor) => Tensor;

/**
 * The named reduction over all elements. The mean of none is NaN, as in PyTorch. With weights of samples the mean is the
 * weighted one: the sum of weight times value over the sum of the weights, 0 if they add up to 0.
 *
 * @param op name in error messages
 */
export function reducer(op: string, reduction: Reduction = 'mean'): Reducer {
  return (values, weights) => {
    if (!weights) return reduction === 'none' ? values : reduction === 'sum' ? totalOf(values) : mean(values);
    const factors = factorsOf(op, values, weights);
    const weighted = mul(values, factors);
    if (reduction !== 'mean') return reduction === 'sum' ? totalOf(weighted) : weighted;
    // Each weight counts for all elements of its sample.
    const elements = values.size / Math.max(1, factors.size);
    return ratio(sum(weighted), elements === 1 ? sum(factors) : mul(sum(factors), elements));
  };
}

/**
 * The mean, by the weights of samples if there are some, from sums in float64: a figure that adds these up over a data set
 * counts exactly. That of no values is NaN.
 *
 * @param counted false for values that do not count
 */
export function meanOf(op: string, values: Tensor, weights?: Tensor, counted?: Tensor): Tensor {
  if (values.size === 0) return mean(values);
  const exact = cast(values, 'float64');
  if (!weights && !counted) return ratio(sum(exact), full([], values.size, 'float64'), values.dtype);
  const given = weights ? expand(factorsOf(op, exact, weights), exact.shape) : ones(exact.shape, 'float64');
  const factors = counted ? where(counted, given, 0) : given;
  const total = sum(mul(counted ? where(counted, exact, 0) : exact, factors));
  return ratio(total, sum(factors), values.dtype);
}

/** Weights of samples as factors of their values: the first axes of the values, and 1 for the others. */
export function factorsOf(op: string, values: Tensor, weights: Tensor): Tensor {
  const leading = values.shape.slice(0, weights.ndim);
  if (weights.ndim === 0 || !sameShape(leading, weights.shape)) {
    const shapes = `${formatShape(weights.shape)} for ${formatShape(values.shape)}`;
    throw invalid(
      op,
      `weights must have the first axes of the values, a weight for each sample, got ${shapes}`,
    );
  }
  const others = values.ndim - weights.ndim;
  return cast(reshape(weights, [...weights.shape, ...Array<number>(others).fill(1)]), values.dtype);
}
