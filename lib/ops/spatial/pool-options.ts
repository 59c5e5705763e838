import type { Extents, Pair } from '../primitives/window.js';

/** Options of a pooling window. Each extent is one number, or a list with one for each spatial axis. */
export interface PoolOptions<E extends Extents = Pair> {
  /** Step between the positions of the window. Default: its size. */
  readonly stride?: E;
  /** Width of the padding around the image, at most half of the window. Default 0. */
  readonly padding?: E;
  /** Allows a last window that starts inside to reach past the end. Default false. */
  readonly ceilMode?: boolean;
}

/** Options of max pooling. */
export interface MaxPoolOptions<E extends Extents = Pair> extends PoolOptions<E> {
  /** Distance between the elements of a window. Default 1. */
  readonly dilation?: E;
}

/** Options of average pooling. */
export interface AvgPoolOptions<E extends Extents = Pair> extends PoolOptions<E> {
  /** Counts padding as zeros; otherwise it is left out of the mean. Default true, as in PyTorch. */
  readonly countIncludePad?: boolean;
}
