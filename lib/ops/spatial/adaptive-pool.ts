import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { isFloat } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import { sizeOf } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { mean } from '../math/reductions.js';
import { type ReduceOptions, reduceOptions } from '../primitives/broadcast.js';
import { type Extents, extent, extents, type Pair } from '../primitives/images/window.js';
import { concat, reshape, slice } from '../primitives/movement.js';
import { max } from '../primitives/reduce.js';
import { requireImage } from './conv-operands.js';
import { avgPool2d, maxPool2d } from './pooling.js';
import { resample } from './resample.js';

/** The windows that split `length` elements into `count` parts, which may overlap by one element. */
function parts(length: number, count: number): (readonly [start: number, end: number])[] {
  return Array.from({ length: count }, (_, i) => [
    Math.floor((i * length) / count),
    Math.ceil(((i + 1) * length) / count),
  ]);
}

/** Pools the spatial axes one by one, the last one first, so that the first of equal maxima wins. */
function adaptive(
  op: string,
  x: Tensor,
  size: Extents,
  rank: number,
  pool: (x: Tensor, axis: number, count: number) => Tensor,
): Tensor {
  const counts = extents(op, 'size', size, rank, 1);
  requireImage(op, x, rank);
  if (!isFloat(x.dtype)) throw invalid(op, 'images must be float32 or float64', x.dtype);
  if (x.shape.slice(1, -1).includes(0)) throw invalid(op, 'every spatial axis must have an element', x.shape);
  return counts.reduceRight((value, count, i) => {
    return value.shape[i + 1] === count ? value : pool(value, i + 1, count);
  }, x);
}

/** Applies a pooling of images along one axis of any tensor. */
function along(x: Tensor, axis: number, pool: (rows: Tensor) => Tensor): Tensor {
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
  const rows = pool(reshape(x, [sizeOf(before), at(x.shape, axis), 1, sizeOf(after)]));
  return reshape(rows, [...before, at(rows.shape, 1), ...after]);
}

function averages(x: Tensor, axis: number, count: number): Tensor {
  const length = at(x.shape, axis);
  if (length % count === 0) return along(x, axis, (rows) => avgPool2d(rows, [length / count, 1]));
  const stencils = parts(length, count).map(([start, end]) =>
    Array.from({ length: end - start }, (_, i) => [start + i, 1 / (end - start)] as const),
  );
  return resample(x, axis, stencils);
}

function maxima(x: Tensor, axis: number, count: number): Tensor {
  const length = at(x.shape, axis);
  return along(x, axis, (rows) => {
    if (length % count === 0) return maxPool2d(rows, [length / count, 1]);
    const largest = parts(length, count).map(([start, end]) =>
      maxPool2d(slice(rows, [[], [start, end]]), [end - start, 1]),
    );
    return concat(largest, 1);
  });
}

/**
 * The means of `size` windows that cover sequences [N, L, C], as `torch.nn.functional.adaptive_avg_pool1d`: window i
 * goes from `floor(i L / size)` to `ceil((i + 1) L / size)`.
 */
export const adaptiveAvgPool1d = checked(
  'adaptiveAvgPool1d',
  { x: kinds.tensor, size: extent },
  (x: Tensor, size: number | readonly [number]): Tensor =>
    adaptive('adaptiveAvgPool1d', x, size, 1, averages),
);

/**
 * The means of `size` windows that cover images [N, H, W, C], as `torch.nn.functional.adaptive_avg_pool2d`: window i
 * goes from `floor(i H / size)` to `ceil((i + 1) H / size)`, and likewise for the width.
 */
export const adaptiveAvgPool2d = checked(
  'adaptiveAvgPool2d',
  { x: kinds.tensor, size: extent },
  (x: Tensor, size: Pair): Tensor => adaptive('adaptiveAvgPool2d', x, size, 2, averages),
);

/**
 * The largest values of `size` windows that cover sequences [N, L, C], the windows of `adaptiveAvgPool1d`. The first
 * one wins a tie.
 */
export const adaptiveMaxPool1d = checked(
  'adaptiveMaxPool1d',
  { x: kinds.tensor, size: extent },
  (x: Tensor, size: number | readonly [number]): Tensor => adaptive('adaptiveMaxPool1d', x, size, 1, maxima),
);

/**
 * The largest values of `size` windows that cover images [N, H, W, C], the windows of `adaptiveAvgPool2d`. The first
 * one wins a tie.
 */
export const adaptiveMaxPool2d = checked(
  'adaptiveMaxPool2d',
  { x: kinds.tensor, size: extent },
  (x: Tensor, size: Pair): Tensor => adaptive('adaptiveMaxPool2d', x, size, 2, maxima),
);

function spatialAxes(op: string, x: Tensor): number[] {
  if (x.ndim < 3) throw invalid(op, 'needs at least one axis between the first and the last', x.shape);
  return Array.from({ length: x.ndim - 2 }, (_, i) => i + 1);
}

/**
 * The mean over all spatial axes: [N, ..., C] -> [N, C] (Lin et al. 2014).
 *
 * @param options `keepDims` keeps the axes, with length 1
 */
export const globalAvgPool = checked(
  'globalAvgPool',
  { x: kinds.tensor, options: optional(reduceOptions) },
  (x: Tensor, options: ReduceOptions = {}): Tensor => mean(x, spatialAxes('globalAvgPool', x), options),
);

/**
 * The largest value over all spatial axes: [N, ..., C] -> [N, C]. Equal maxima share the gradient evenly.
 *
 * @param options `keepDims` keeps the axes, with length 1
 */
export const globalMaxPool = checked(
  'globalMaxPool',
  { x: kinds.tensor, options: optional(reduceOptions) },
  (x: Tensor, options: ReduceOptions = {}): Tensor => max(x, spatialAxes('globalMaxPool', x), options),
);
