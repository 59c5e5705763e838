import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { at } from '../../graph/at.js';
import { isFloat } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import { constant } from '../../graph/leaf.js';
import type { OpRecord } from '../../graph/op.js';
import { Tensor } from '../../graph/tensor.js';
import { mul, pow } from '../primitives/elementwise.js';
import { avgPool2dOp, maxPool2dOp, type PoolAttributes, poolPlaces } from '../primitives/images/pool.js';
import type { Extents } from '../primitives/images/window.js';
import { extent, type Pair, type Triple } from '../primitives/images/window.js';
import { reshape, squeeze, unsqueeze } from '../primitives/movement.js';
import { requireImage } from './conv-operands.js';
import {
  type AvgPoolOptions,
  avgPoolOptions,
  type MaxPoolOptions,
  maxPoolOptions,
  type PoolOptions,
} from './pool-options.js';
import { type PoolWindow, poolWindow, requireExponent } from './pool-window.js';

/** Pools the last two spatial axes, then the one before them if there is one. */
function pool(
  op: string,
  x: Tensor,
  window: PoolWindow,
  planar: (x: Tensor, attributes: PoolAttributes, countIncludePad: boolean) => Tensor,
): Tensor {
  const rank = window.size.length;
  requireImage(op, x, rank);
  if (!isFloat(x.dtype)) throw invalid(op, 'images must be float32 or float64', x.dtype);
  window.size.forEach((_, axis) => {
    poolPlaces(op, at(x.shape, axis + 1), window, axis);
  });
  const { ceilMode, countIncludePad } = window;
  // The window on two of its axes. An axis that does not exist is not pooled.
  const on = (first: number, second: number): PoolAttributes => {
    const pick = (list: readonly number[], rest: number): [number, number] => [
      list[first] ?? rest,
      list[second] ?? rest,
    ];
    return {
      size: pick(window.size, 1),
      stride: pick(window.stride, 1),
      padding: pick(window.padding, 0),
      dilation: pick(window.dilation, 1),
      ceilMode,
    };
  };
  if (rank === 1) return squeeze(planar(unsqueeze(x, 1), on(-1, 0), countIncludePad), 1);
  if (rank === 2) return planar(x, on(0, 1), countIncludePad);
  const [n, depth, ...image] = x.shape as [number, number, number, number, number];
  const flat = planar(reshape(x, [n * depth, ...image]), on(1, 2), countIncludePad);
  const [, height, width, channels] = flat.shape as [number, number, number, number];
  const columns = reshape(flat, [n, depth, height * width, channels]);
  const deep = planar(columns, on(0, -1), countIncludePad);
  return reshape(deep, [n, at(deep.shape, 1), height, width, channels]);
}

/** Applies a pooling record, whose own name is that of the two-dimensional op. */
const runs =
  (record: OpRecord<PoolAttributes>) =>
  (x: Tensor, attributes: PoolAttributes): Tensor =>
    new Tensor(record, [x], attributes);

const largest = runs(maxPool2dOp);

function average(x: Tensor, attributes: PoolAttributes, countIncludePad: boolean): Tensor {
  const means = runs(avgPool2dOp)(x, attributes);
  const { padding, ceilMode } = attributes;
  const partial = ceilMode || (!countIncludePad && padding.some((width) => width > 0));
  if (!partial) return means;
  // The kernel divides by the size of the whole window, but some windows count fewer elements.
  const [rows, columns] = [0, 1].map((axis) => shares(x, means, attributes, countIncludePad, axis as 0 | 1));
  const factors = (rows as number[]).flatMap((row) => (columns as number[]).map((column) => row * column));
  if (factors.every((factor) => factor === 1)) return means;
  const shape = [...means.shape.slice(1, 3), 1];
  const data = x.dtype === 'float64' ? Float64Array.from(factors) : Float32Array.from(factors);
  return mul(means, constant(data, shape, x.dtype));
}

/** For each window position on an axis, the size of the window divided by the number of elements that count. */
function shares(
  x: Tensor,
  means: Tensor,
  { size, stride, padding }: PoolAttributes,
  countIncludePad: boolean,
  axis: 0 | 1,
): number[] {
  const frame = countIncludePad ? padding[axis] : 0;
  const end = at(x.shape, axis + 1) + frame;
  return Array.from({ length: at(means.shape, axis + 1) }, (_, place) => {
    const start = place * stride[axis] - padding[axis];
    return size[axis] / (Math.min(start + size[axis], end) - Math.max(start, -frame));
  });
}

/** The largest value of each window of sequences [N, L, C]; the first one wins a tie. Padding never wins. */
export const maxPool1d = checked(
  'maxPool1d',
  { x: kinds.tensor, size: extent, options: optional(maxPoolOptions) },
  (
    x: Tensor,
    size: number | readonly [number],
    options: MaxPoolOptions<number | readonly [number]> = {},
  ): Tensor => pool('maxPool1d', x, poolWindow('maxPool1d', size, options, 1), largest),
);

/** The largest value of each window of images [N, H, W, C]; the first one wins a tie. Padding never wins. */
export const maxPool2d = checked(
  'maxPool2d',
  { x: kinds.tensor, size: extent, options: optional(maxPoolOptions) },
  (x: Tensor, size: Pair, options: MaxPoolOptions = {}): Tensor =>
    pool('maxPool2d', x, poolWindow('maxPool2d', size, options, 2), largest),
);

/** The largest value of each window of volumes [N, D, H, W, C]; the first one wins a tie. Padding never wins. */
export const maxPool3d = checked(
  'maxPool3d',
  { x: kinds.tensor, size: extent, options: optional(maxPoolOptions) },
  (x: Tensor, size: Triple, options: MaxPoolOptions<Triple> = {}): Tensor =>
    pool('maxPool3d', x, poolWindow('maxPool3d', size, options, 3), largest),
);

/** The mean of each window of sequences [N, L, C]; padding counts as zeros, as PyTorch's default. */
export const avgPool1d = checked(
  'avgPool1d',
  { x: kinds.tensor, size: extent, options: optional(avgPoolOptions) },
  (
    x: Tensor,
    size: number | readonly [number],
    options: AvgPoolOptions<number | readonly [number]> = {},
  ): Tensor => pool('avgPool1d', x, poolWindow('avgPool1d', size, options, 1), average),
);

/** The mean of each window of images [N, H, W, C]; padding counts as zeros, as PyTorch's default. */
export const avgPool2d = checked(
  'avgPool2d',
  { x: kinds.tensor, size: extent, options: optional(avgPoolOptions) },
  (x: Tensor, size: Pair, options: AvgPoolOptions = {}): Tensor =>
    pool('avgPool2d', x, poolWindow('avgPool2d', size, options, 2), average),
);

/** The mean of each window of volumes [N, D, H, W, C]; padding counts as zeros, as PyTorch's default. */
export const avgPool3d = checked(
  'avgPool3d',
  { x: kinds.tensor, size: extent, options: optional(avgPoolOptions) },
  (x: Tensor, size: Triple, options: AvgPoolOptions<Triple> = {}): Tensor =>
    pool('avgPool3d', x, poolWindow('avgPool3d', size, options, 3), average),
);

const lpPoolOptions = optionsOf<Pick<PoolOptions<Extents>, 'stride'>>({ stride: extent });

/**
 * The `p`-norm of each window of sequences [N, L, C]: `(sum of x^p)^(1/p)`, as `torch.nn.functional.lp_pool1d`. Its
 * gradient is not finite where a window holds only zeros.
 */
export const lpPool1d = checked(
  'lpPool1d',
  { x: kinds.tensor, p: kinds.positive, size: extent, options: optional(lpPoolOptions) },
  (
    x: Tensor,
    p: number,
    size: number | readonly [number],
    options: Pick<PoolOptions<number | readonly [number]>, 'stride'> = {},
  ): Tensor => norms('lpPool1d', x, p, poolWindow('lpPool1d', size, options, 1)),
);

/**
 * The `p`-norm of each window of images [N, H, W, C]: `(sum of x^p)^(1/p)`, as `torch.nn.functional.lp_pool2d`. Its
 * gradient is not finite where a window holds only zeros.
 */
export const lpPool2d = checked(
  'lpPool2d',
  { x: kinds.tensor, p: kinds.positive, size: extent, options: optional(lpPoolOptions) },
  (x: Tensor, p: number, size: Pair, options: Pick<PoolOptions, 'stride'> = {}): Tensor =>
    norms('lpPool2d', x, p, poolWindow('lpPool2d', size, options, 2)),
);

function norms(op: string, x: Tensor, p: number, window: PoolWindow): Tensor {
  requireExponent(op, p);
  const whole = window.size.reduce((a, b) => a * b, 1);
  return pow(mul(pool(op, pow(x, p), window, runs(avgPool2dOp)), whole), 1 / p);
}
