import { either } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { ConvAlgorithm } from '../primitives/images/conv.js';
import { type Extents, extent, type Pair } from '../primitives/images/window.js';

/** Values beyond the image's borders: zeros, the mirrored image, its repeated border, or the image wrapped around. */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular';

/** Options of a convolution. Each extent is one number, or a list with one for each spatial axis. */
export interface ConvOptions<E extends Extents = Pair> {
  /** Step between the positions of the kernel. Default 1. */
  readonly stride?: E;
  /**
   * Elements added on every side. `'valid'` adds none; `'same'` gives `ceil(length / stride)` results, and adds the
   * extra element of an odd total at the end, as TensorFlow does, and PyTorch for a stride of 1. Default 0.
   */
  readonly padding?: E | 'same' | 'valid';
  /** Values of the padding. Default 'zeros'. */
  readonly paddingMode?: PaddingMode;
  /** Distance between the taps of the kernel. Default 1. */
  readonly dilation?: E;
  /**
   * Number of groups of channels; each group of results sees one group of the input's channels. As many groups as
   * channels make a depthwise convolution. Default 1.
   */
  readonly groups?: number;
  /**
   * `'direct'` computes each result, and each gradient, from the elements under the kernel alone; `'auto'` may take
   * Winograd's method, which is faster, but whose errors depend on the largest element of a tile (docs/numerics.md).
   * Default: the environment variable `CHAINRULE_CONV_ALGORITHM` where the graph is traced, else `'auto'`.
   */
  readonly algorithm?: ConvAlgorithm;
}

/** The kinds of `ConvOptions`. */
export const convOptions = optionsOf<ConvOptions<Extents>>({
  stride: extent,
  padding: either(extent, kinds.oneOf('same', 'valid')),
  paddingMode: kinds.oneOf('zeros', 'reflect', 'replicate', 'circular'),
  dilation: extent,
  groups: kinds.count,
  algorithm: kinds.oneOf('auto', 'direct'),
});

/** Options of a transposed convolution. Each extent is one number, or a list with one for each spatial axis. */
export interface ConvTransposeOptions<E extends Extents = Pair>
  extends Pick<ConvOptions<E>, 'stride' | 'dilation' | 'groups' | 'algorithm'> {
  /** Elements cropped from every side of the result. Default 0. */
  readonly padding?: E;
  /** Elements added at the end of the result, fewer than the stride or the dilation. Default 0. */
  readonly outputPadding?: E;
}

/** The kinds of `ConvTransposeOptions`. */
export const convTransposeOptions = optionsOf<ConvTransposeOptions<Extents>>({
  stride: extent,
  padding: extent,
  outputPadding: extent,
  dilation: extent,
  groups: kinds.count,
  algorithm: kinds.oneOf('auto', 'direct'),
});
