import { requireArguments } from '../../graph/arguments/checked.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { Tensor } from '../../graph/tensor.js';
import type { Extents, Pair, Triple } from '../../ops/primitives/images/window.js';
import { type ConvOptions, convOptions } from '../../ops/spatial/conv-options.js';
import { convWindow } from '../../ops/spatial/conv-window.js';
import { conv1d, conv2d, conv3d } from '../../ops/spatial/convolution.js';
import { ConvBase, convParameters } from './conv-base.js';
import { ownOptions, type WeightOptions, weightOptions } from './weight-options.js';

type One = number | readonly [number];

const parameters = convParameters(
  optionsOf<ConvOptions<Extents> & WeightOptions>({ ...convOptions.kinds, ...weightOptions.kinds }),
);

export interface Conv1dOptions extends ConvOptions<One>, WeightOptions {}
export interface Conv2dOptions extends ConvOptions, WeightOptions {}
export interface Conv3dOptions extends ConvOptions<Triple>, WeightOptions {}

/** The parts of a layer's specification that follow from its options. */
function specOf<E extends Extents>(
  name: string,
  rank: number,
  options: ConvOptions<E> & WeightOptions,
  fn: (x: Tensor, weight: Tensor, options: ConvOptions<E>) => Tensor,
) {
  const own = ownOptions(options);
  const { groups } = convWindow(name, own, rank);
  const convolve = (x: Tensor, weight: Tensor) => fn(x, weight, own);
  return { name, rank, groups, convolve, transposed: false };
}

/**
 * A 1-D convolution of sequences with channels last: [N, L, inChannels] -> [N, OL, outChannels]. `weight` is
 * [K, inChannels / groups, outChannels], which is PyTorch's permuted by (2, 1, 0); `bias` is [outChannels].
 */
export class Conv1d extends ConvBase<Conv1dOptions> {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: One,
    options: Conv1dOptions = {},
    ...surplus: []
  ) {
    requireArguments('Conv1d', parameters, [inChannels, outChannels, kernelSize, options, ...surplus]);
    const spec = specOf('Conv1d', 1, options, conv1d);
    super({ ...spec, inChannels, outChannels, kernelSize }, options);
  }
}

/**
 * A 2-D convolution of images with channels last: [N, H, W, inChannels] -> [N, OH, OW, outChannels]. `weight` is
 * [KH, KW, inChannels / groups, outChannels], which is PyTorch's permuted by (2, 3, 1, 0); `bias` is [outChannels].
 */
export class Conv2d extends ConvBase<Conv2dOptions> {
  /** @param kernelSize one number, or `[height, width]` */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Pair,
    options: Conv2dOptions = {},
    ...surplus: []
  ) {
    requireArguments('Conv2d', parameters, [inChannels, outChannels, kernelSize, options, ...surplus]);
    const spec = specOf('Conv2d', 2, options, conv2d);
    super({ ...spec, inChannels, outChannels, kernelSize }, options);
  }
}

/**
 * A 3-D convolution of volumes with channels last: [N, D, H, W, inChannels] -> [N, OD, OH, OW, outChannels]. `weight`
 * is [KD, KH, KW, inChannels / groups, outChannels], which is PyTorch's permuted by (2, 3, 4, 1, 0); `bias` is
 * [outChannels].
 */
export class Conv3d extends ConvBase<Conv3dOptions> {
  /** @param kernelSize one number, or `[depth, height, width]` */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Triple,
    options: Conv3dOptions = {},
    ...surplus: []
  ) {
    requireArguments('Conv3d', parameters, [inChannels, outChannels, kernelSize, options, ...surplus]);
    const spec = specOf('Conv3d', 3, options, conv3d);
    super({ ...spec, inChannels, outChannels, kernelSize }, options);
  }
}
