import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { Tensor } from '../../graph/tensor.js';
import { expand } from '../primitives/broadcast.js';
import type { ConvAttributes } from '../primitives/images/conv.js';
import { conv2dOp } from '../primitives/images/conv.js';
import { type Extents, type Pair, type Triple, windowPlaces } from '../primitives/images/window.js';
import { concat, permute, reshape, slice, squeeze, unsqueeze } from '../primitives/movement.js';
import { padBorder } from './border.js';
import { requireChannels, requireOperands } from './conv-operands.js';
import { type ConvOptions, convOptions } from './conv-options.js';
import { type ConvWindow, convWindow, paddingSides } from './conv-window.js';
import { planar } from './planar.js';

/** A convolution of images whose options have been checked. */
function correlate(x: Tensor, weight: Tensor, attributes: ConvAttributes): Tensor {
  const { groups } = attributes;
  const [inner, out] = weight.shape.slice(-2) as [number, number];
  if (groups === 1 || inner !== 1 || out === groups) return new Tensor(conv2dOp, [x, weight], attributes);
  // With several results per channel, each channel is repeated to fit the kernel for single channels.
  const places = x.shape.slice(0, 3);
  const repeated = expand(reshape(x, [...places, groups, 1]), [...places, groups, out / groups]);
  return new Tensor(conv2dOp, [reshape(repeated, [...places, out]), weight], { ...attributes, groups: out });
}

/** A convolution of volumes as one of images, whose channels are the slices under the kernel's depth. */
function correlateVolume(x: Tensor, weight: Tensor, window: ConvWindow, frame: readonly number[]): Tensor {
  const [n, depth, height, width, channels] = x.shape as [number, number, number, number, number];
  const [taps, kernelHeight, kernelWidth, inner, out] = weight.shape as [
    number,
    number,
    number,
    number,
    number,
  ];
  const [step, spread] = [at(window.stride, 0), at(window.dilation, 0)];
  const places = windowPlaces('conv3d', depth, taps, step, 0, spread);
  const grouped = [n, places, height, width, window.groups, channels / window.groups];
  const slices = Array.from({ length: taps }, (_, tap) => {
    const first = tap * spread;
    return reshape(slice(x, [[], [first, first + (places - 1) * step + 1, step]]), grouped);
  });
  // Within a group, the channels of one depth are contiguous, as in the kernel.
  const images = reshape(concat(slices, 5), [n * places, height, width, taps * channels]);
  const kernels = reshape(permute(weight, [1, 2, 0, 3, 4]), [kernelHeight, kernelWidth, taps * inner, out]);
  const result = correlate(images, kernels, planar(window, frame));
  return reshape(result, [n, places, ...result.shape.slice(1)]);
}

function convolve(
  op: string,
  x: Tensor,
  weight: Tensor,
  options: ConvOptions<Extents>,
  rank: number,
): Tensor {
  const channels = (options.groups ?? 1) * (weight.shape.at(-2) ?? 0);
  requireOperands(op, x, weight, rank, channels);
  const window = convWindow(op, options, rank);
  requireChannels(op, x, weight, window.groups);
  const lengths = x.shape.slice(1, -1);
  const sides = paddingSides(window, lengths, weight.shape);
  if (window.padding !== 'same') {
    lengths.forEach((length, axis) => {
      const [step, spread] = [at(window.stride, axis), at(window.dilation, axis)];
      windowPlaces(op, length, at(weight.shape, axis), step, at(sides, axis)[0], spread);
    });
  }
  // The native kernel adds the zeros around an image, except for an odd row at the end and those on a third axis.
  const frame = sides.map(([before], axis) =>
    window.paddingMode === 'zeros' && axis >= rank - 2 ? before : 0,
  );
  const rest = sides.map(([before, after], axis) => {
    const done = at(frame, axis);
    return [before - done, after - done] as const;
  });
  const padded = padBorder(op, x, rest, window.paddingMode);
  if (rank === 3) return correlateVolume(padded, weight, window, frame);
  if (rank === 2) return correlate(padded, weight, planar(window, frame));
  return squeeze(correlate(unsqueeze(padded, 1), unsqueeze(weight, 0), planar(window, frame)), 1);
}

/**
 * A 1-D convolution, as `torch.nn.functional.conv1d` but with channels last.
 *
 * @param x sequences [N, L, C]
 * @param weight kernels [K, C / groups, O]
 * @returns [N, OL, O]
 */
export const conv1d = checked(
  'conv1d',
  { x: kinds.tensor, weight: kinds.tensor, options: optional(convOptions) },
  (x: Tensor, weight: Tensor, options: ConvOptions<number | readonly [number]> = {}): Tensor =>
    convolve('conv1d', x, weight, options, 1),
);

/**
 * A 2-D convolution, as `torch.nn.functional.conv2d` but with channels last.
 *
 * @param x images [N, H, W, C]
 * @param weight kernels [KH, KW, C / groups, O]
 * @returns [N, OH, OW, O], with `OH = floor((H + 2 padding - dilation (KH - 1) - 1) / stride) + 1`
 */
export const conv2d = checked(
  'conv2d',
  { x: kinds.tensor, weight: kinds.tensor, options: optional(convOptions) },
  (x: Tensor, weight: Tensor, options: ConvOptions<Pair> = {}): Tensor =>
    convolve('conv2d', x, weight, options, 2),
);

/**
 * A 3-D convolution, as `torch.nn.functional.conv3d` but with channels last.
 *
 * @param x volumes [N, D, H, W, C]
 * @param weight kernels [KD, KH, KW, C / groups, O]
 * @returns [N, OD, OH, OW, O]
 */
export const conv3d = checked(
  'conv3d',
  { x: kinds.tensor, weight: kinds.tensor, options: optional(convOptions) },
  (x: Tensor, weight: Tensor, options: ConvOptions<Triple> = {}): Tensor =>
    convolve('conv3d', x, weight, options, 3),
);
