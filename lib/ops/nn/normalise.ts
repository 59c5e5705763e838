import type { Tensor } from '../../graph/tensor.js';
import { mean } from '../math/reductions.js';
import { allReduce, mergeMoments } from '../primitives/all-reduce.js';
import { sum, sumTo } from '../primitives/broadcast.js';
import { type CustomGradientRule, customGradient } from '../primitives/custom-gradient.js';
import { add, div, mul, sqrt, square, sub } from '../primitives/elementwise.js';
import { concat, slice } from '../primitives/movement.js';

/**
 * Options shared by the normalisations: an affine map of the normalised values, and the guard against division by 0.
 */
export interface NormOptions {
  /** Multiplies the normalised values. */
  readonly weight?: Tensor | null;
  /** Added to the product of the normalised values and the weight. */
  readonly bias?: Tensor | null;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
}

/** A mean and a biased variance. */
export interface Moments {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** Moments, and the number of values that they are of. */
export interface CountedMoments extends Moments {
  readonly count: Tensor | number;
}

/** The statistics of a normalisation, in shapes that broadcast. */
export interface Statistics {
  moments(value: Tensor): CountedMoments;
  /** The means of two values of so many elements each. */
  means(a: Tensor, b: Tensor, count: Tensor | number): readonly [Tensor, Tensor];
  /** True if all elements that share a mean share a weight. */
  readonly uniform: boolean;
}

/** Statistics by the mean alone: the variance is that of the shifted values, so that a large mean costs no digits. */
export function statisticsBy(over: (value: Tensor) => Tensor, uniform: boolean): Statistics {
  return {
    moments: (value) => {
      const center = over(value);
      const count = value.size / center.size;
      return { mean: center, variance: over(square(sub(value, center))), count };
    },
    means: (a, b) => [over(a), over(b)],
    uniform,
  };
}

/** Statistics over some axes. */
export function along(axes: readonly number[], uniform: boolean): Statistics {
  return statisticsBy((value) => mean(value, axes, { keepDims: true }), uniform);
}

/** Statistics of each channel of [N, ..., C] over all samples and positions. */
export function ofChannels(x: Tensor): Statistics {
  return along(allButLast(x), true);
}

function allButLast({ ndim }: Tensor): number[] {
  return Array.from({ length: ndim - 1 }, (_, axis) => axis);
}

/** Statistics of each channel of a shard's rows and those of all other shards of the batch, in one all-reduce each. */
export function ofChannelsOfBatch(x: Tensor): Statistics {
  const own = ofChannels(x);
  return {
    moments: (value) => mergeMoments(own.moments(value), value.size / (value.shape.at(-1) as number)),
    means: (a, b, count) => {
      const means = div(allReduce(concat([total(a), total(b)], -1)), count);
      return [half(means, 0), half(means, 1)];
    },
    uniform: true,
  };
}

/** The sum of each channel. */
function total(x: Tensor): Tensor {
  return sum(x, allButLast(x), { keepDims: true });
}

/**
 * `(x - mean) / sqrt(variance + eps) * weight + bias` in three passes: mean, variance and result. The gradient is
 * expressed in the centred values, so that backpropagation keeps nothing else of their size; with a uniform weight it
 * takes two sums and one pass.
 */
export function normalise(x: Tensor, statistics: Statistics, options: NormOptions): Tensor {
  const { weight, bias, eps = 1e-5 } = options;
  const { uniform } = statistics;
  if (x.size === 0) return affine(x, options);
  const centre = (value: Tensor) => {
    const { mean: center, variance, count } = statistics.moments(value);
    return { centred: sub(value, center), scale: inverseRoot(variance, eps), count };
  };

  const rule: CustomGradientRule = (gradient, [value, factor]) => {
    const { centred, scale, count: all } = centre(value as Tensor);
    const incoming = factor && !uniform ? mul(gradient, factor) : gradient;
    const [product, level] = statistics.means(mul(incoming, centred), incoming, all);
    const outer = factor && uniform ? mul(scale, factor) : scale;
    const toInput = mul(sub(sub(incoming, level), mul(centred, mul(product, square(scale)))), outer);
    if (!factor) return toInput;
    const count = x.size / product.size;
    const toFactor = uniform ? mul(mul(product, scale), count) : mul(gradient, mul(centred, scale));
    return [toInput, sumTo(toFactor, factor.shape)];
  };
  const scaled = customGradient((value: Tensor, factor?: Tensor) => {
    const { centred, scale } = centre(value);
    if (!factor) return mul(centred, scale);
    // In the other order the gradient rule would share a product with this value, which would have to be kept.
    return uniform ? mul(centred, mul(scale, factor)) : mul(mul(centred, factor), scale);
  }, rule);
  const result = weight ? scaled(x, weight) : scaled(x);
  return bias ? add(result, bias) : result;
}

function affine(x: Tensor, { weight, bias }: NormOptions): Tensor {
  const scaled = weight ? mul(x, weight) : x;
  return bias ? add(scaled, bias) : scaled;
}

/** `1 / sqrt(x + eps)`: one division per mean, so that the pass over all elements only multiplies. */
export function inverseRoot(x: Tensor, eps: number): Tensor {
  return div(1, sqrt(add(x, eps)));
}

/** One of the halves of the last axis. */
function half(x: Tensor, index: number): Tensor {
  const length = (x.shape.at(-1) as number) / 2;
  return slice(x, [...x.shape.slice(1).map((): [] => []), [index * length, (index + 1) * length]]);
}
