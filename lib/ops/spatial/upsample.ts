import { checked } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { isFloat } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import { tensor } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { expand } from '../primitives/broadcast.js';
import { gather } from '../primitives/gather.js';
import { extents } from '../primitives/images/window.js';
import { permute, reshape } from '../primitives/movement.js';
import { resample, type Stencils } from './resample.js';
import { RANKS, requireUpsampleOptions, type UpsampleOptions, upsampleOptions } from './upsample-options.js';

/** The length of an axis of the result, and the distance between its elements in the input. */
interface Grid {
  readonly count: number;
  readonly step: number;
}

function gridsOf(lengths: readonly number[], { scale, size }: UpsampleOptions): Grid[] {
  const op = 'upsample';
  if (size !== undefined) {
    const counts = extents(op, 'size', size, lengths.length, 1);
    return counts.map((count, axis) => ({ count, step: at(lengths, axis) / count }));
  }
  const factors = typeof scale === 'number' ? lengths.map(() => scale) : (scale as readonly number[]);
  if (factors.length !== lengths.length) {
    throw invalid(op, `scale must be a number or ${lengths.length} of them`, factors);
  }
  return factors.map((factor, axis) => {
    const count = Math.floor(at(lengths, axis) * factor);
    if (count < 1) throw invalid(op, 'scale must leave an element on every axis', factor);
    return { count, step: 1 / factor };
  });
}

/** Picks the element at or before each position. */
function nearest(x: Tensor, axis: number, { count, step }: Grid): Tensor {
  const length = at(x.shape, axis);
  const shape = (...lengths: number[]) => [...x.shape.slice(0, axis), ...lengths, ...x.shape.slice(axis + 1)];
  const times = count / length;
  if (Number.isInteger(times) && Math.abs(times * step - 1) < 1e-12) {
    return reshape(expand(reshape(x, shape(length, 1)), shape(length, times)), shape(count));
  }
  const picked = Int32Array.from({ length: count }, (_, i) => Math.min(Math.floor(i * step), length - 1));
  const order = [axis, ...x.shape.keys()].filter((a, i) => i === 0 || a !== axis);
  const back = x.shape.map((_, a) => order.indexOf(a));
  return permute(gather(permute(x, order), tensor(picked)), back);
}

/** The interpolation weights of the elements around each position. */
function stencils(length: number, { count, step }: Grid, alignCorners: boolean, cubic: boolean): Stencils {
  const within = (element: number) => Math.min(Math.max(element, 0), length - 1);
  return Array.from({ length: count }, (_, i) => {
    const aligned = count > 1 ? (i * (length - 1)) / (count - 1) : 0;
    const place = alignCorners ? aligned : (i + 0.5) * step - 0.5;
    if (cubic) {
      const first = Math.floor(place);
      return cubicWeights(place - first).map((weight, k) => [within(first - 1 + k), weight] as const);
    }
    const inside = Math.max(place, 0);
    const first = Math.min(Math.floor(inside), length - 1);
    const second = within(first + 1);
    const weight = second === first ? 0 : inside - first;
    return [[first, 1 - weight] as const, [second, weight] as const];
  });
}

/** Keys' cubic convolution with a = -0.75, for the elements at -1, 0, 1 and 2. */
function cubicWeights(t: number): number[] {
  const a = -0.75;
  const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

/**
 * Resizes the spatial axes of [N, L, C], [N, H, W, C] or [N, D, H, W, C], as `torch.nn.functional.interpolate` but with
 * channels last. With a `scale`, axes have the length `floor(length * scale)`.
 *
 * @throws when neither or both of `scale` and `size` are given, or the mode is not for this number of axes
 */
export const upsample = checked(
  'upsample',
  { x: kinds.tensor, options: upsampleOptions },
  (x: Tensor, options: UpsampleOptions): Tensor => {
    requireUpsampleOptions('upsample', options);
    const { mode = 'nearest', alignCorners = false } = options;
    const rank = x.ndim - 2;
    if (rank < 1 || rank > 3) {
      throw invalid('upsample', 'needs one to three axes between the first and the last', x.shape);
    }
    if (RANKS[mode] !== 0 && RANKS[mode] !== rank) {
      throw invalid('upsample', `mode '${mode}' needs ${RANKS[mode]} spatial axes`, x.shape);
    }
    if (!isFloat(x.dtype)) throw invalid('upsample', 'images must be float32 or float64', x.dtype);
    const lengths = x.shape.slice(1, -1);
    if (lengths.includes(0)) throw invalid('upsample', 'every spatial axis must have an element', x.shape);
    return gridsOf(lengths, options).reduce((value, grid, i) => {
      const length = at(lengths, i);
      if (grid.count === length && grid.step === 1) return value;
      if (mode === 'nearest') return nearest(value, i + 1, grid);
      return resample(value, i + 1, stencils(length, grid, alignCorners, mode === 'bicubic'));
    }, x);
  },
);

function requireImages(op: string, x: Tensor): void {
  if (x.ndim !== 4) throw invalid(op, 'images must be [N, H, W, C]', x.shape);
}

/**
 * Turns groups of `factor ** 2` channels into pixels (Shi et al. 2016), as `torch.nn.functional.pixel_shuffle` but with
 * channels last: [N, H, W, C * factor ** 2] -> [N, H * factor, W * factor, C].
 */
export const pixelShuffle = checked(
  'pixelShuffle',
  { x: kinds.tensor, factor: kinds.count },
  (x: Tensor, r: number): Tensor => {
    requireImages('pixelShuffle', x);
    const [n, height, width, channels] = x.shape as [number, number, number, number];
    if (channels % r ** 2 !== 0) {
      throw invalid('pixelShuffle', `channels must be a multiple of ${r ** 2}`, channels);
    }
    const parts = reshape(x, [n, height, width, channels / r ** 2, r, r]);
    return reshape(permute(parts, [0, 1, 4, 2, 5, 3]), [n, height * r, width * r, channels / r ** 2]);
  },
);

/** The inverse of `pixelShuffle`: [N, H, W, C] -> [N, H / factor, W / factor, C * factor ** 2]. */
export const pixelUnshuffle = checked(
  'pixelUnshuffle',
  { x: kinds.tensor, factor: kinds.count },
  (x: Tensor, r: number): Tensor => {
    requireImages('pixelUnshuffle', x);
    const [n, height, width, channels] = x.shape as [number, number, number, number];
    if (height % r !== 0 || width % r !== 0) {
      throw invalid('pixelUnshuffle', `height and width must be multiples of ${r}`, x.shape);
    }
    const parts = reshape(x, [n, height / r, r, width / r, r, channels]);
    return reshape(permute(parts, [0, 1, 3, 5, 2, 4]), [n, height / r, width / r, channels * r ** 2]);
  },
);
