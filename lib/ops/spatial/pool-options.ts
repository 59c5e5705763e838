import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { type Extents, extent, type Pair } from '../primitives/images/window.js';

/** Options of a pooling window. Each extent is one number, or a list with one for each spatial axis. */
export interface PoolOptions<E extends Extents = Pair> {
  /** Step between the positions of the window. Default: its size. */
  readonly stride?: E;
  /** Width of the padding around the image, at most half of the window. Default 0. */
  readonly padding?: E;
  /** Allows a last window that starts inside to reach past the end. Default false. */
  readonly ceilMode?: boolean;
}

/** The kinds of `PoolOptions`. */
export const poolOptions = optionsOf<PoolOptions<Extents>>({
  stride: extent,
  padding: extent,
  ceilMode: kinds.boolean,
});

/** Options of max pooling. */
export interface MaxPoolOptions<E extends Extents = Pair> extends PoolOptions<E> {
  /** Distance between the elements of a window. Default 1. */
  readonly dilation?: E;
}

/** The kinds of `MaxPoolOptions`. */
export const maxPoolOptions = optionsOf<MaxPoolOptions<Extents>>({ ...poolOptions.kinds, dilation: extent });

/** Options of average pooling. */
export interface AvgPoolOptions<E extends Extents = Pair> extends PoolOptions<E> {
  /** Counts padding as zeros; otherwise it is left out of the mean. Default true, as in PyTorch. */
  readonly countIncludePad?: boolean;
}

/** The kinds of `AvgPoolOptions`. */
export const avgPoolOptions = optionsOf<AvgPoolOptions<Extents>>({
  ...poolOptions.kinds,
  countIncludePad: kinds.boolean,
});
