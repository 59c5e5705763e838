import { checked } from '../../graph/arguments/checked.js';
import { either, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { at } from '../../graph/at.js';
import type { DType } from '../../graph/dtype.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { type Shape, sameShape, sizeOf } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { mean } from '../math/reductions.js';
import { expand } from '../primitives/broadcast.js';
import { requireFloat } from '../primitives/checks.js';
import { add, mul, pow, square, sub } from '../primitives/elementwise.js';
import { pad, reshape, slice } from '../primitives/movement.js';
import { requireNormalizedShape } from './checks.js';
import { type LocalResponseNormOptions, localResponseNormOptions } from './normalisation-options.js';
import {
  along,
  inverseRoot,
  type Moments,
  type NormOptions,
  normalise,
  ofChannels,
  statisticsBy,
} from './normalise.js';

export type { NormOptions } from './normalise.js';

const normalizedShape = either(kinds.axis, kinds.shape);

const normOptions = optionsOf<NormOptions>({
  weight: either(kinds.tensor, kinds.none),
  bias: either(kinds.tensor, kinds.none),
  eps: kinds.nonNegative,
});

/**
 * Normalises over the trailing dimensions of each sample: `(x - mean) / sqrt(variance + eps) * weight + bias`, with the
 * biased variance (Ba, Kiros & Hinton 2016). As `torch.nn.functional.layer_norm`.
 *
 * @param x [..., ...normalizedShape], floats
 * @param normalizedShape the trailing dimensions, or the last one alone; `weight` and `bias` have this shape
 * @throws when the shapes do not end in `normalizedShape`
 */
export const layerNorm = checked(
  'layerNorm',
  { x: kinds.tensor, normalizedShape: normalizedShape, options: optional(normOptions) },
  (x: Tensor, normalizedShape: number | Shape, options: NormOptions = {}): Tensor => {
    const shape = requireNormalizedShape('layerNorm', normalizedShape);
    requireEnding('layerNorm', x, shape);
    requireAffine('layerNorm', shape, options);
    return normalise(x, along(trailing(x, shape), false), options);
  },
);

/** Options of `rmsNorm`. */
export interface RMSNormOptions {
  /** Multiplies the normalised values. */
  readonly weight?: Tensor | null;
  /** Added to the mean square. Default: the machine epsilon of the dtype, as in PyTorch. */
  readonly eps?: number;
}

const rmsNormOptions = optionsOf<RMSNormOptions>({
  weight: normOptions.kinds.weight,
  eps: kinds.nonNegative,
});

/**
 * Divides by the root of the mean square of each sample's trailing dimensions: `x / sqrt(mean(x ** 2) + eps) * weight`
 * (Zhang & Sennrich 2019). As `torch.nn.functional.rms_norm`.
 *
 * @param x [..., ...normalizedShape], floats
 * @throws when the shapes do not end in `normalizedShape`
 */
export const rmsNorm = checked(
  'rmsNorm',
  { x: kinds.tensor, normalizedShape: normalizedShape, options: optional(rmsNormOptions) },
  (x: Tensor, normalizedShape: number | Shape, options: RMSNormOptions = {}): Tensor => {
    const shape = requireNormalizedShape('rmsNorm', normalizedShape);
    requireEnding('rmsNorm', x, shape);
    requireAffine('rmsNorm', shape, options);
    const { weight, eps = machineEpsilon(x.dtype) } = options;
    const meanSquare = mean(square(x), trailing(x, shape), { keepDims: true });
    const normal = mul(x, inverseRoot(meanSquare, eps));
    return weight ? mul(normal, weight) : normal;
  },
);

/**
 * Normalises each sample over the positions and the channels of each of `groups` groups of neighbouring channels (Wu &
 * He 2018). As `torch.nn.functional.group_norm`, with channels last.
 *
 * @param x [N, ..., C], floats; `weight` and `bias` are [C]
 * @param groups a divisor of C
 */
export const groupNorm = checked(
  'groupNorm',
  { x: kinds.tensor, groups: kinds.count, options: optional(normOptions) },
  (x: Tensor, groups: number, options: NormOptions = {}): Tensor => {
    const channels = requireChannels('groupNorm', x);
    if (channels % groups !== 0) {
      throw invalid('groupNorm', `groups must divide the ${channels} channels`, groups);
    }
    requireAffine('groupNorm', [channels], options);
    const positions = (value: Tensor) => mean(value, inner(x), { keepDims: true });
    if (groups === channels) return normalise(x, statisticsBy(positions, true), options);
    // Repeats the mean of a group for each of its channels, so that all passes over x run along whole rows.
    const over = (value: Tensor) => {
      const each = positions(value);
      const grouped = reshape(each, [at(each.shape, 0), groups, channels / groups]);
      return reshape(expand(mean(grouped, 2, { keepDims: true }), grouped.shape), each.shape);
    };
    return normalise(x, statisticsBy(over, false), options);
  },
);

/**
 * Normalises each channel of each sample over its positions (Ulyanov, Vedaldi & Lempitsky 2016). As
 * `torch.nn.functional.instance_norm`, with channels last.
 *
 * @param x [N, L, C] or [N, H, W, C], floats; `weight` and `bias` are [C]
 * @throws when there is only one position, because its variance is 0
 */
export const instanceNorm = checked(
  'instanceNorm',
  { x: kinds.tensor, options: optional(normOptions) },
  (x: Tensor, options: NormOptions = {}): Tensor => {
    const channels = requireChannels('instanceNorm', x);
    if (sizeOf(x.shape.slice(1, -1)) === 1) {
      throw invalid('instanceNorm', 'needs at least 2 position(s), [N, ..., C]', x.shape);
    }
    requireAffine('instanceNorm', [channels], options);
    return normalise(x, along(inner(x), true), options);
  },
);

/**
 * Normalises each channel by a mean and a variance: `(x - mean) / sqrt(variance + eps) * weight + bias`. Batch
 * normalisation (Ioffe & Szegedy 2015) uses the batch's own statistics in training and running ones in inference. As all
 * normalisations, it leaves an empty batch empty.
 *
 * @param x [N, ..., C], floats; all other tensors are [C]
 * @param statistics the mean and the variance; null for the batch's own, through which gradients flow
 */
export const batchNorm = checked(
  'batchNorm',
  {
    x: kinds.tensor,
    statistics: either(kinds.anything('an object with mean and variance'), kinds.none),
    options: optional(normOptions),
  },
  (
    x: Tensor,
    statistics: { readonly mean: Tensor; readonly variance: Tensor } | null,
    options: NormOptions = {},
  ): Tensor => {
    const shape = [requireChannels('batchNorm', x)];
    requireAffine('batchNorm', shape, options);
    if (!statistics) return normalise(x, ofChannels(x), options);
    const { mean: center, variance } = statistics;
    requireShape('batchNorm', 'mean', center, shape);
    requireShape('batchNorm', 'variance', variance, shape);
    const { weight, bias, eps = 1e-5 } = options;
    const scale = inverseRoot(variance, eps);
    // Multiplies the weight into the scale first: C numbers instead of all of x.
    const scaled = mul(sub(x, center), weight ? mul(scale, weight) : scale);
    return bias ? add(scaled, bias) : scaled;
  },
);

/**
 * The mean and the biased variance of each channel over all other axes. The variance is that of the shifted values, so
 * that a large mean costs no digits. Both are NaN where a channel has no values.
 *
 * @param x [N, ..., C], floats
 * @returns two tensors [C]
 */
export const channelMoments = checked('channelMoments', { x: kinds.tensor }, (x: Tensor): Moments => {
  const shape = [requireChannels('channelMoments', x)];
  // The same nodes as in `batchNorm`, so that a plan with both computes them once.
  const { mean: center, variance } = ofChannels(x).moments(x);
  return { mean: reshape(center, shape), variance: reshape(variance, shape) };
});

/**
 * Divides by a power of the mean square of the `size` channels around each: `x / (k + alpha * mean) ** beta`, where
 * channels beyond the ends count as zeros (Krizhevsky et al. 2012). As `torch.nn.functional.local_response_norm`.
 *
 * @param x [N, ..., C], floats
 */
export const localResponseNorm = checked(
  'localResponseNorm',
  { x: kinds.tensor, size: kinds.count, options: optional(localResponseNormOptions) },
  (x: Tensor, size: number, options: LocalResponseNormOptions = {}): Tensor => {
    const { alpha = 1e-4, beta = 0.75, k = 1 } = options;
    const channels = requireChannels('localResponseNorm', x);
    const before = Math.floor(size / 2);
    const outer = x.shape.slice(0, -1);
    const padding = [...outer.map((): [number, number] => [0, 0]), [before, size - 1 - before] as const];
    const squares = pad(square(x), padding);
    const shifted = Array.from({ length: size }, (_, i) =>
      slice(squares, [...outer.map(() => [] as const), [i, i + channels]]),
    );
    const total = shifted.reduce((sum, part) => add(sum, part));
    return mul(x, pow(add(mul(total, alpha / size), k), -beta));
  },
);

function requireAffine(op: string, shape: Shape, options: NormOptions): void {
  const { weight, bias } = options;
  if (weight) requireShape(op, 'weight', weight, shape);
  if (bias) requireShape(op, 'bias', bias, shape);
}

function requireChannels(op: string, x: Tensor): number {
  requireFloat(op, x);
  if (x.ndim < 2) throw invalid(op, 'input must be [N, ..., C]', x.shape);
  return x.shape.at(-1) as number;
}

function requireEnding(op: string, x: Tensor, shape: Shape): void {
  requireFloat(op, x);
  if (x.ndim < shape.length || !sameShape(x.shape.slice(x.ndim - shape.length), shape)) {
    throw invalid(op, `input must end in ${formatShape(shape)}`, x.shape);
  }
}

function requireShape(op: string, name: string, value: Tensor, shape: Shape): void {
  if (!sameShape(value.shape, shape)) throw invalid(op, `${name} must be ${formatShape(shape)}`, value.shape);
}

/** The axes between the samples and the channels. */
function inner(x: Tensor): number[] {
  return Array.from({ length: x.ndim - 2 }, (_, i) => i + 1);
}

function trailing(x: Tensor, shape: Shape): number[] {
  return shape.map((_, i) => x.ndim - shape.length + i);
}

function machineEpsilon(dtype: DType): number {
  return dtype === 'float64' ? Number.EPSILON : 2 ** -23;
}
