import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { invalid } from '../../graph/errors.js';
import { Tensor } from '../../graph/tensor.js';
import { add } from '../primitives/elementwise.js';
import { conv2dInputGradOp } from '../primitives/images/conv.js';
import type { Extents, Pair, Triple } from '../primitives/images/window.js';
import { pad, permute, reshape, scatterSlice, slice, squeeze, unsqueeze } from '../primitives/movement.js';
import { requireChannels, requireOperands } from './conv-operands.js';
import { type ConvTransposeOptions, convTransposeOptions } from './conv-options.js';
import { type ConvTransposeWindow, convTransposeWindow } from './conv-transpose-window.js';
import { planar } from './planar.js';

function transposed(
  op: string,
  x: Tensor,
  weight: Tensor,
  options: ConvTransposeOptions<Extents>,
  rank: number,
): Tensor {
  requireOperands(op, x, weight, rank, weight.shape.at(-1));
  const window = convTransposeWindow(op, options, rank);
  const { stride, padding, outputPadding, dilation, groups } = window;
  requireChannels(op, x, weight, groups, true);
  if (x.shape.slice(1, -1).includes(0)) throw invalid(op, 'every spatial axis must have an element', x.shape);
  const lengths = x.shape.slice(1, -1).map((length, axis) => {
    const span = at(dilation, axis) * (at(weight.shape, axis) - 1) + 1;
    const whole = (length - 1) * at(stride, axis) + span;
    return whole - 2 * at(padding, axis) + at(outputPadding, axis);
  });
  if (lengths.some((length) => length < 1)) {
    throw invalid(op, 'padding must leave something of the result', window.padding);
  }
  // Positions that a convolution of the result would have beyond the input hold zeros.
  const beyond = outputPadding.map((count, axis) => [0, Math.floor(count / at(stride, axis))] as const);
  const source = pad(x, [[0, 0], ...beyond, [0, 0]]);
  if (rank === 3) return transposedVolume(source, weight, window, lengths);
  if (rank === 2) return transposedImages(source, weight, window, lengths);
  const images = transposedImages(unsqueeze(source, 1), unsqueeze(weight, 0), window, [1, ...lengths]);
  return squeeze(images, 1);
}

function transposedImages(
  x: Tensor,
  weight: Tensor,
  window: ConvTransposeWindow,
  lengths: readonly number[],
): Tensor {
  const channels = (weight.shape.at(-2) as number) * window.groups;
  const shape = [at(x.shape, 0), ...lengths, channels];
  return new Tensor(conv2dInputGradOp, [x, weight], { ...planar(window, window.padding), shape });
}

/** Computes one image for each tap of the depth, and adds them all at their places in the result. */
function transposedVolume(
  x: Tensor,
  weight: Tensor,
  window: ConvTransposeWindow,
  [depth = 0, ...lengths]: readonly number[],
): Tensor {
  const { stride, padding, dilation, groups } = window;
  const [n, places, height, width, channels] = x.shape as [number, number, number, number, number];
  const [taps, kernelHeight, kernelWidth, inner] = weight.shape as [number, number, number, number];
  const [step, spread, cut] = [at(stride, 0), at(dilation, 0), at(padding, 0)];
  const kernels = reshape(permute(weight, [1, 2, 0, 3, 4]), [
    kernelHeight,
    kernelWidth,
    taps * inner,
    channels,
  ]);
  const images = transposedImages(
    reshape(x, [n * places, height, width, channels]),
    kernels,
    window,
    lengths,
  );
  const tapped = reshape(images, [n, places, ...lengths, groups, taps, inner]);
  const reach = Math.max((places - 1) * step + (taps - 1) * spread + 1, depth + cut);
  const whole = Array.from({ length: taps }, (_, tap) => {
    const part = reshape(slice(tapped, [[], [], [], [], [], [tap, tap + 1]]), [
      n,
      places,
      ...lengths,
      groups * inner,
    ]);
    return scatterSlice(part, [n, reach, ...part.shape.slice(2)], {
      start: part.shape.map((_, axis) => (axis === 1 ? tap * spread : 0)),
      end: part.shape.map((d, axis) => (axis === 1 ? tap * spread + (places - 1) * step + 1 : d)),
      step: part.shape.map((_, axis) => (axis === 1 ? step : 1)),
    });
  }).reduce((sum, part) => add(sum, part));
  return slice(whole, [[], [cut, cut + depth]]);
}

/**
 * A 1-D transposed convolution, as `torch.nn.functional.conv_transpose1d` but with channels last.
 *
 * @param x sequences [N, L, C]
 * @param weight kernels [K, O / groups, C]
 * @returns [N, OL, O]
 */
export const convTranspose1d = checked(
  'convTranspose1d',
  { x: kinds.tensor, weight: kinds.tensor, options: optional(convTransposeOptions) },
  (x: Tensor, weight: Tensor, options: ConvTransposeOptions<number | readonly [number]> = {}): Tensor =>
    transposed('convTranspose1d', x, weight, options, 1),
);

/**
 * A 2-D transposed convolution: the gradient of `conv2d` with respect to its images, as
 * `torch.nn.functional.conv_transpose2d` but with channels last (Zeiler et al. 2010).
 *
 * @param x images [N, H, W, C]
 * @param weight kernels [KH, KW, O / groups, C]
 * @returns [N, OH, OW, O], with `OH = (H - 1) stride - 2 padding + dilation (KH - 1) + outputPadding + 1`
 */
export const convTranspose2d = checked(
  'convTranspose2d',
  { x: kinds.tensor, weight: kinds.tensor, options: optional(convTransposeOptions) },
  (x: Tensor, weight: Tensor, options: ConvTransposeOptions<Pair> = {}): Tensor =>
    transposed('convTranspose2d', x, weight, options, 2),
);

/**
 * A 3-D transposed convolution, as `torch.nn.functional.conv_transpose3d` but with channels last.
 *
 * @param x volumes [N, D, H, W, C]
 * @param weight kernels [KD, KH, KW, O / groups, C]
 * @returns [N, OD, OH, OW, O]
 */
export const convTranspose3d = checked(
  'convTranspose3d',
  { x: kinds.tensor, weight: kinds.tensor, options: optional(convTransposeOptions) },
  (x: Tensor, weight: Tensor, options: ConvTransposeOptions<Triple> = {}): Tensor =>
    transposed('convTranspose3d', x, weight, options, 3),
);
