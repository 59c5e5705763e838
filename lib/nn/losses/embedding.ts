import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { isFinite as finiteMask } from '../../ops/math/logic.js';
import { norm } from '../../ops/math/norm.js';
import { sum } from '../../ops/primitives/broadcast.js';
import {
  abs,
  add,
  div,
  eq,
  gt,
  minimum,
  mul,
  relu,
  sqrt,
  square,
  sub,
  where,
} from '../../ops/primitives/elementwise.js';
import { squeeze } from '../../ops/primitives/movement.js';
import { max } from '../../ops/primitives/reduce.js';
import { stopGradient } from '../../ops/primitives/stop-gradient.js';
import { requireSameShape } from './checks.js';
import { configurable } from './configurable.js';
import { type ReductionOptions, reducer, reductionOptions } from './reduction.js';

export interface CosineEmbeddingOptions extends ReductionOptions {
  /** Cosine up to which unlike pairs cost nothing, from -1 to 1. Default 0. */
  readonly margin?: number;
}

const cosineEmbeddingOptions = optionsOf<CosineEmbeddingOptions>({
  ...reductionOptions.kinds,
  margin: kinds.finite,
});

/**
 * `1 - cos` for pairs of vectors with a target of 1, `max(0, cos - margin)` for those with -1, and 0 for any other,
 * as `torch.nn.CosineEmbeddingLoss`. It takes three tensors, so a Trainer needs a function that makes them from its
 * two.
 *
 * @param first vectors on the last axis, [..., D]
 * @param second of the same shape
 * @param target [...]
 */
export const cosineEmbeddingLoss = configurable<
  [first: Tensor, second: Tensor, target: Tensor],
  CosineEmbeddingOptions,
  (first: Tensor, second: Tensor, target: Tensor) => Tensor
>(
  'cosineEmbeddingLoss',
  ['first', 'second', 'target'],
  cosineEmbeddingOptions,
  ({ margin = 0, reduction }: CosineEmbeddingOptions = {}) => {
    if (!(margin >= -1 && margin <= 1)) {
      throw invalid('cosineEmbeddingLoss', 'margin must be from -1 to 1', margin);
    }
    const reduce = reducer('cosineEmbeddingLoss', reduction);
    return (first, second, target) => {
      const other = requireVectors('cosineEmbeddingLoss', first, second, ['first', 'second']);
      if (!sameShape(target.shape, first.shape.slice(0, -1))) {
        const shapes = `${formatShape(first.shape)} and ${formatShape(target.shape)}`;
        throw invalid('cosineEmbeddingLoss', `there must be one target for each pair, got ${shapes}`);
      }
      const cosine = div(sum(mul(first, other), -1), mul(lengthOf(first), lengthOf(other)));
      const ofUnlike = where(eq(target, -1), relu(sub(cosine, margin)), 0);
      return reduce(where(eq(target, 1), sub(1, cosine), ofUnlike));
    };
  },
);

/** Length on the last axis, kept off 0 as in PyTorch, so that a vector of zeros has a cosine of 0 and a gradient. */
function lengthOf(x: Tensor): Tensor {
  return sqrt(add(sum(square(x), -1), 1e-12));
}

export interface TripletMarginOptions extends ReductionOptions {
  /** Distance by which the negative should be further away than the positive. Default 1. */
  readonly margin?: number;
  /** Order of the norm that measures distances, from 1 to Infinity. Default 2. */
  readonly p?: number;
  /** Added to every difference, so that no distance is 0. Default 1e-6. */
  readonly eps?: number;
  /**
   * True to take the negative's distance from the positive if it is less than that from the anchor (Balntas et al.
   * 2016). Default false.
   */
  readonly swap?: boolean;
}

const tripletMarginOptions = optionsOf<TripletMarginOptions>({
  ...reductionOptions.kinds,
  margin: kinds.positive,
  p: kinds.number,
  eps: kinds.nonNegative,
  swap: kinds.boolean,
});

/**
 * `max(0, margin + |anchor - positive| - |anchor - negative|)` for vectors on the last axis (Schroff et al. 2015), as
 * `torch.nn.TripletMarginLoss`. All three have the same shape. It takes three tensors, so a Trainer needs a function
 * that makes them from its two.
 */
export const tripletMarginLoss = configurable<
  [anchor: Tensor, positive: Tensor, negative: Tensor],
  TripletMarginOptions,
  (anchor: Tensor, positive: Tensor, negative: Tensor) => Tensor
>(
  'tripletMarginLoss',
  ['anchor', 'positive', 'negative'],
  tripletMarginOptions,
  ({ margin = 1, p = 2, eps = 1e-6, swap = false, reduction }: TripletMarginOptions = {}) => {
    if (!(p >= 1)) throw invalid('tripletMarginLoss', 'p must be at least 1', p);
    const reduce = reducer('tripletMarginLoss', reduction);
    const distance = (a: Tensor, b: Tensor) => scaledNorm(add(sub(a, b), eps), p);
    return (anchor, positive, negative) => {
      const near = requireVectors('tripletMarginLoss', anchor, positive, ['anchor', 'positive']);
      const far = requireVectors('tripletMarginLoss', anchor, negative, ['anchor', 'negative']);
      const toFar = distance(anchor, far);
      const furthest = swap ? minimum(toFar, distance(near, far)) : toFar;
      return reduce(relu(add(sub(distance(anchor, near), furthest), margin)));
    };
  },
);

/** The p-norm on the last axis, scaled by the largest element so that powers do not overflow. */
function scaledNorm(x: Tensor, p: number): Tensor {
  if (x.shape.at(-1) === 0) return sum(x, -1);
  // The scale cancels out, so its gradient may be left out.
  const largest = stopGradient(max(abs(x), -1, { keepDims: true }));
  const scale = where(finiteMask(largest), where(gt(largest, 0), largest, 1), 1);
  return squeeze(mul(norm(div(x, scale), -1, { p, keepDims: true }), scale), -1);
}

function requireVectors(op: string, x: Tensor, other: Tensor, names: readonly [string, string]): Tensor {
  if (x.ndim === 0) throw invalid(op, 'vectors must have at least one axis', formatShape(x.shape));
  return requireSameShape(op, x, other, names);
}
