import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { at } from '../../graph/at.js';
import { invalid } from '../../graph/errors.js';
import { normaliseAxes, sizeOf } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { type ReduceOptions, reduceOptions, sum } from '../primitives/broadcast.js';
import { requireFloat } from '../primitives/checks.js';
import {
  abs,
  cast,
  div,
  eq,
  maximum,
  mul,
  ne,
  pow,
  sqrt,
  square,
  sub,
  where,
} from '../primitives/elementwise.js';
import { broadcast, floatOnly } from '../primitives/elementwise-record.js';
import { type Axes, max, min } from '../primitives/reduce.js';
import { logicalNot } from './logic.js';
import { any, mean } from './reductions.js';

/** `f(x)` where `x` is not 0, else 0. The gradient at 0 is 0, whatever that of `f` is. */
function zeroAtZero(x: Tensor, f: (x: Tensor) => Tensor): Tensor {
  const isZero = eq(x, 0);
  return where(isZero, 0, f(where(isZero, 1, x)));
}

export interface VarianceOptions extends ReduceOptions {
  /** Subtracted from the number of elements in the divisor of the sum of squares. Default 1, as in PyTorch. */
  readonly correction?: number;
}

const varianceOptions = optionsOf<VarianceOptions>({ ...reduceOptions.kinds, correction: kinds.number });

/**
 * The variance over `axes` (all by default): the sum of squared distances from the mean, divided by the number of
 * elements minus `correction`, or by 0 if that is negative. So the variance of one element is NaN by default, as in
 * PyTorch. Floats only.
 */
export const variance = checked(
  'variance',
  { x: kinds.tensor, axes: optional(kinds.axes), options: optional(varianceOptions) },
  (x: Tensor, axes?: Axes, options: VarianceOptions = {}): Tensor => {
    const { correction = 1, keepDims = false } = options;
    return varianceOf('variance', x, axes, correction, keepDims);
  },
);

function varianceOf(
  op: string,
  x: Tensor,
  axes: Axes | undefined,
  correction: number,
  keepDims: boolean,
): Tensor {
  requireFloat(op, x);
  const over = normaliseAxes(op, axes, x.ndim);
  const count = sizeOf(over.map((axis) => at(x.shape, axis)));
  if (!Number.isFinite(correction)) throw invalid(op, 'correction must be a finite number', correction);
  const distance = sub(x, mean(x, over, { keepDims: true }));
  return mul(sum(square(distance), over, { keepDims }), 1 / Math.max(0, count - correction));
}

/** The standard deviation: the square root of `variance`. Its gradient is 0 where all elements are equal. */
export const std = checked(
  'std',
  { x: kinds.tensor, axes: optional(kinds.axes), options: optional(varianceOptions) },
  (x: Tensor, axes?: Axes, options: VarianceOptions = {}): Tensor => {
    const { correction = 1, keepDims = false } = options;
    return zeroAtZero(varianceOf('std', x, axes, correction, keepDims), sqrt);
  },
);

export interface VectorNormOptions extends ReduceOptions {
  /** The exponent. Default 2; `Infinity` gives the largest magnitude, 0 the number of elements that are not 0. */
  readonly p?: number;
}

const vectorNormOptions = optionsOf<VectorNormOptions>({ ...reduceOptions.kinds, p: kinds.number });

/**
 * The vector norm over `axes` (all by default), `sum(|x| ** p) ** (1 / p)`, as `torch.linalg.vector_norm`. Floats
 * only. Its gradient is 0 where the norm is 0, and for p < 2 at each element that is 0. The norm of no elements is 0; for
 * an infinite or negative `p`, it is an error.
 */
export const norm = checked(
  'norm',
  { x: kinds.tensor, axes: optional(kinds.axes), options: optional(vectorNormOptions) },
  (x: Tensor, axes?: Axes, options: VectorNormOptions = {}): Tensor => {
    requireFloat('norm', x);
    const { p = 2, keepDims = false } = options;
    if (typeof p !== 'number' || Number.isNaN(p)) throw invalid('norm', 'p must be a number', p);
    const kept = { keepDims };
    const over = normaliseAxes('norm', axes, x.ndim);
    if ((p < 0 || p === Number.POSITIVE_INFINITY) && over.some((axis) => x.shape[axis] === 0)) {
      throw invalid('norm', `the norm of p ${p} needs at least one element on each axis`, x.shape);
    }
    if (p === Number.POSITIVE_INFINITY) return max(abs(x), over, kept);
    if (p === Number.NEGATIVE_INFINITY) return min(abs(x), over, kept);
    if (p === 0) return sum(cast(ne(x, 0), x.dtype), over, kept);
    if (p === 1) return sum(abs(x), over, kept);
    if (p === 2) return zeroAtZero(sum(square(x), over, kept), sqrt);
    if (p > 0) {
      const total = sum(
        zeroAtZero(abs(x), (magnitude) => pow(magnitude, p)),
        over,
        kept,
      );
      return zeroAtZero(total, (value) => pow(value, 1 / p));
    }
    // For p < 0 a zero makes the norm 0 through an infinite power: zeros are left out, and the result is set to 0.
    const isZero = eq(x, 0);
    const value = pow(sum(pow(where(isZero, 1, abs(x)), p), over, kept), 1 / p);
    return mul(value, cast(logicalNot(any(isZero, over, kept)), x.dtype));
  },
);

export interface CosineSimilarityOptions {
  /** A lower bound of the norms, which prevents a division by 0. Default 1e-8. */
  readonly eps?: number;
}

const cosineSimilarityOptions = optionsOf<CosineSimilarityOptions>({ eps: kinds.positive });

/**
 * The cosine of the angle between vectors along an axis (the last by default), which is dropped; both broadcast.
 * Between -1 and 1, and 0 for a vector of zeros.
 */
export const cosineSimilarity = checked(
  'cosineSimilarity',
  {
    a: kinds.tensor,
    b: kinds.tensor,
    axis: optional(kinds.axis),
    options: optional(cosineSimilarityOptions),
  },
  (a: Tensor, b: Tensor, axis = -1, options: CosineSimilarityOptions = {}): Tensor => {
    const { eps = 1e-8 } = options;
    const [left, right] = broadcast('cosineSimilarity', [a, b]) as [Tensor, Tensor];
    floatOnly('cosineSimilarity', [left, right]);
    const over = normaliseAxes('cosineSimilarity', axis, left.ndim);
    const unit = (x: Tensor) => div(x, maximum(norm(x, over, { keepDims: true }), eps));
    return sum(mul(unit(left), unit(right)), over);
  },
);
