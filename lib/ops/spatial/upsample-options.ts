import { either, listOf } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { invalid } from '../../graph/errors.js';
import { type Extents, extent, extents } from '../primitives/images/window.js';

/** Interpolation between the elements; `'linear'` is for one spatial axis, `'trilinear'` for three. */
export type UpsampleMode = 'nearest' | 'linear' | 'bilinear' | 'trilinear' | 'bicubic';

/** The number of spatial axes of each mode; 0 means any. */
export const RANKS: Readonly<Record<UpsampleMode, number>> = {
  nearest: 0,
  linear: 1,
  bilinear: 2,
  trilinear: 3,
  bicubic: 2,
};

/** Options of `upsample`: either a scale or a size. */
export interface UpsampleOptions {
  /** Factor by which each spatial axis grows; one number, or one for each axis. */
  readonly scale?: number | readonly number[];
  /** The length of each spatial axis of the result; one number, or one for each axis. */
  readonly size?: Extents;
  /** Default 'nearest'. */
  readonly mode?: UpsampleMode;
  /** Aligns the first and the last elements with those of the input; not for 'nearest'. Default false. */
  readonly alignCorners?: boolean;
}

/** The kinds of `UpsampleOptions`. */
export const upsampleOptions = optionsOf<UpsampleOptions>({
  scale: either(kinds.positive, listOf(kinds.positive, 'positive numbers')),
  size: extent,
  mode: kinds.oneOf('nearest', 'linear', 'bilinear', 'trilinear', 'bicubic'),
  alignCorners: kinds.boolean,
});

/** Checks what depends on several options, but not on the input. */
export function requireUpsampleOptions(op: string, options: UpsampleOptions): void {
  const { scale, size, mode = 'nearest', alignCorners = false } = options;
  if ((scale === undefined) === (size === undefined)) {
    throw invalid(op, 'either scale or size must be given', [scale, size]);
  }
  if (size !== undefined) extents(op, 'size', size, typeof size === 'number' ? 1 : size.length, 1);
  if (alignCorners && mode === 'nearest') throw invalid(op, "alignCorners is not for mode 'nearest'", true);
}
