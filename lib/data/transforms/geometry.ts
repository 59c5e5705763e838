import { checked } from '../../graph/arguments/checked.js';
import { type Kind, kind, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { interval, intervalAlone, intervalOf, numberFrom, pair, pairOf } from './kinds.js';
import type { Affine, Crop, Flip, Interval, PaddingMode } from './transform.js';

export interface FlipOptions {
  /** True to mirror left and right. Default true. */
  readonly horizontal?: boolean;
  /** True to mirror up and down. Default false. */
  readonly vertical?: boolean;
  /** Probability of each mirroring. Default 0.5. */
  readonly probability?: number;
}

const flipOptions = optionsOf<FlipOptions>({
  horizontal: kinds.boolean,
  vertical: kinds.boolean,
  probability: numberFrom(0, 1),
});

/** Mirrors images [H, W, C] at random, as torchvision's RandomHorizontalFlip and RandomVerticalFlip. */
export const flip = checked(
  'flip',
  { options: optional(flipOptions) },
  ({ horizontal = true, vertical = false, probability = 0.5 }: FlipOptions = {}): Flip => ({
    kind: 'flip',
    horizontal: horizontal ? probability : 0,
    vertical: vertical ? probability : 0,
  }),
);

export interface CropOptions {
  /** Rows and columns of the result, or one number for both. Default: the size of the images. */
  readonly size?: number | readonly [number, number];
  /** Pixels first added at top and bottom, and at left and right, or one number for all sides. Default 0. */
  readonly padding?: number | readonly [number, number];
  /**
   * Content of the padding: `fill`, the edge's pixels, or the image mirrored without or with its edge. Default
   * 'constant'.
   */
  readonly mode?: PaddingMode;
  /** Value of the padding in 'constant' mode. Default 0. */
  readonly fill?: number;
}

const cropOptions = optionsOf<CropOptions>({
  size: pair(1),
  padding: pair(0),
  mode: kinds.oneOf('constant', 'edge', 'reflect', 'symmetric'),
  fill: kinds.finite,
});

/** Crops a random part of the padded image [H, W, C], as torchvision's RandomCrop. */
export const crop = checked(
  'crop',
  { options: cropOptions },
  ({ size, padding = 0, mode = 'constant', fill = 0 }: CropOptions): Crop => ({
    kind: 'crop',
    size: size === undefined ? null : pairOf(size),
    padding: pairOf(padding),
    mode,
    fill,
  }),
);

export interface AffineOptions {
  /** Range of rotation in degrees, or the largest rotation in both directions. Default 0. */
  readonly degrees?: number | Interval;
  /** Largest shifts up and down, and left and right, as shares of height and width. Default [0, 0]. */
  readonly translate?: readonly [number, number];
  /** Range of scale factors. Default [1, 1]. */
  readonly scale?: Interval;
  /**
   * Degrees of shear along x, or along both axes as [x, y]: each a range, or the largest in both directions. Default
   * 0.
   */
  readonly shear?: number | readonly [number | Interval, number | Interval];
  /** Value of pixels outside the image. Default 0. */
  readonly fill?: number;
}

/** Beyond, a sheared image has no width. */
const MOST_SHEAR = 89;

const angle = interval(-MOST_SHEAR, MOST_SHEAR);

const shear: Kind<number | readonly [number | Interval, number | Interval]> = kind(
  `degrees along x, or [x, y], each ${angle.description}`,
  (value) =>
    Array.isArray(value) ? value.length === 2 && [...value].every(angle.accepts) : angle.accepts(value),
);

const affineOptions = optionsOf<AffineOptions>({
  degrees: interval(),
  translate: kind(
    '[rows, columns], shares of height and width from 0 to 1',
    (value) => Array.isArray(value) && value.length === 2 && [...value].every(numberFrom(0, 1).accepts),
  ),
  scale: kind(
    '[low, high], positive numbers in rising order',
    (value) => intervalAlone(0, Number.POSITIVE_INFINITY).accepts(value) && (value as Interval)[0] > 0,
  ),
  shear,
  fill: kinds.finite,
});

/**
 * Rotates, shifts, scales and shears images [H, W, C] about their centre at random, as torchvision's RandomAffine
 * with bilinear interpolation; shifts are whole pixels. Interpolation also takes `fill` for pixels outside the image.
 */
export const affine = checked('affine', { options: affineOptions }, (options: AffineOptions): Affine => {
  const { degrees = 0, translate = [0, 0], scale = [1, 1], shear = 0, fill = 0 } = options;
  const [x, y] = typeof shear === 'number' ? [shear, 0] : shear;
  return {
    kind: 'affine',
    degrees: intervalOf(degrees),
    translate: [...translate],
    scale: [...scale],
    shear: [intervalOf(x), intervalOf(y)],
    fill,
  };
});
