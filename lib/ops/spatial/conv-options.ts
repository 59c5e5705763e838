import type { Extents, Pair } from '../primitives/window.js';

/** What lies beyond the image's borders: zeros, or the image mirrored, its border repeated, or itself again. */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular';

/** Options of a convolution. Each extent is one number, or a list with one for each spatial axis. */
export interface ConvOptions<E extends Extents = Pair> {
  /** Step between the places of the kernel. Default 1. */
  readonly stride?: E;
  /**
   * Elements added on every side. `'valid'` adds none; `'same'` gives `ceil(length / stride)` results, and puts the
   * odd element of an odd total behind, as TensorFlow and, for a stride of 1, PyTorch. Default 0.
   */
  readonly padding?: E | 'same' | 'valid';
  /** What the padding holds. Default 'zeros'. */
  readonly paddingMode?: PaddingMode;
  /** Distance between the taps of the kernel. Default 1. */
  readonly dilation?: E;
  /**
   * Into how many groups the channels are cut; each group of results sees one group of the input's channels. As many
   * as there are channels make a depthwise convolution. Default 1.
   */
  readonly groups?: number;
}
