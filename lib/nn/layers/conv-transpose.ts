import { requireArguments } from '../../graph/arguments/checked.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { Tensor } from '../../graph/tensor.js';
import type { Extents, Pair, Triple } from '../../ops/primitives/images/window.js';
import { type ConvTransposeOptions, convTransposeOptions } from '../../ops/spatial/conv-options.js';
import { convTranspose1d, convTranspose2d, convTranspose3d } from '../../ops/spatial/conv-transpose.js';
import { convTransposeWindow } from '../../ops/spatial/conv-transpose-window.js';
import { ConvBase, convParameters } from './conv-base.js';
import { ownOptions, type WeightOptions, weightOptions } from './weight-options.js';

type One = number | readonly [number];

const parameters = convParameters(
  optionsOf<ConvTransposeOptions<Extents> & WeightOptions>({
    ...convTransposeOptions.kinds,
    ...weightOptions.kinds,
  }),
);

export interface ConvTranspose1dOptions extends ConvTransposeOptions<One>, WeightOptions {}
export interface ConvTranspose2dOptions extends ConvTransposeOptions, WeightOptions {}
export interface ConvTranspose3dOptions extends ConvTransposeOptions<Triple>, WeightOptions {}

function specOf<E extends Extents>(
  name: string,
  rank: number,
  options: ConvTransposeOptions<E> & WeightOptions,
  fn: (x: Tensor, weight: Tensor, options: ConvTransposeOptions<E>) => Tensor,
) {
  const own = ownOptions(options);
  const { groups } = convTransposeWindow(name, own, rank);
  const convolve = (x: Tensor, weight: Tensor) => fn(x, weight, own);
  return { name, rank, groups, convolve, transposed: true };
}

/**
 * A 1-D transposed convolution with channels last: [N, L, inChannels] -> [N, OL, outChannels]. `weight` is
 * [K, outChannels / groups, inChannels], which is PyTorch's permuted by (2, 1, 0); `bias` is [outChannels].
 */
export class ConvTranspose1d extends ConvBase<ConvTranspose1dOptions> {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: One,
    options: ConvTranspose1dOptions = {},
    ...surplus: []
  ) {
    requireArguments('ConvTranspose1d', parameters, [
      inChannels,
      outChannels,
      kernelSize,
      options,
      ...surplus,
    ]);
    const spec = specOf('ConvTranspose1d', 1, options, convTranspose1d);
    super({ ...spec, inChannels, outChannels, kernelSize }, options);
  }
}

/**
 * A 2-D transposed convolution with channels last: [N, H, W, inChannels] -> [N, OH, OW, outChannels], with
 * `OH = (H - 1) stride - 2 padding + dilation (KH - 1) + outputPadding + 1`. `weight` is
 * [KH, KW, outChannels / groups, inChannels], which is PyTorch's permuted by (2, 3, 1, 0); `bias` is [outChannels].
 */
export class ConvTranspose2d extends ConvBase<ConvTranspose2dOptions> {
  /** @param kernelSize one number, or `[height, width]` */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Pair,
    options: ConvTranspose2dOptions = {},
    ...surplus: []
  ) {
    requireArguments('ConvTranspose2d', parameters, [
      inChannels,
      outChannels,
      kernelSize,
      options,
      ...surplus,
    ]);
    const spec = specOf('ConvTranspose2d', 2, options, convTranspose2d);
    super({ ...spec, inChannels, outChannels, kernelSize }, options);
  }
}

/**
 * A 3-D transposed convolution with channels last: [N, D, H, W, inChannels] -> [N, OD, OH, OW, outChannels]. `weight`
 * is [KD, KH, KW, outChannels / groups, inChannels], which is PyTorch's permuted by (2, 3, 4, 1, 0); `bias` is
 * [outChannels].
 */
export class ConvTranspose3d extends ConvBase<ConvTranspose3dOptions> {
  /** @param kernelSize one number, or `[depth, height, width]` */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Triple,
    options: ConvTranspose3dOptions = {},
    ...surplus: []
  ) {
    requireArguments('ConvTranspose3d', parameters, [
      inChannels,
      outChannels,
      kernelSize,
      options,
      ...surplus,
    ]);
    const spec = specOf('ConvTranspose3d', 3, options, convTranspose3d);
    super({ ...spec, inChannels, outChannels, kernelSize }, options);
  }
}
