import { invalid } from '../../graph/errors.js';
import { requireInterval, requireKnown, requireNumber, requirePair } from './checks.js';
import type { Affine, Crop, Flip, Interval, PaddingMode } from './transform.js';

export interface FlipOptions {
  /** True to mirror left and right. Default true. */
  readonly horizontal?: boolean;
  /** True to mirror up and down. Default false. */
  readonly vertical?: boolean;
  /** Probability of each mirroring. Default 0.5. */
  readonly probability?: number;
}

/** Mirrors images [H, W, C] at random, as torchvision's RandomHorizontalFlip and RandomVerticalFlip. */
export function flip(options: FlipOptions = {}): Flip {
  requireKnown('flip', options, ['horizontal', 'vertical', 'probability']);
  const { horizontal = true, vertical = false, probability = 0.5 } = options;
  const share = requireNumber('flip', 'probability', probability, { min: 0, max: 1 });
  return { kind: 'flip', horizontal: horizontal ? share : 0, vertical: vertical ? share : 0 };
}

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

const paddingModes: readonly PaddingMode[] = ['constant', 'edge', 'reflect', 'symmetric'];

/** Crops a random part of the padded image [H, W, C], as torchvision's RandomCrop. */
export function crop(options: CropOptions): Crop {
  requireKnown('crop', options, ['size', 'padding', 'mode', 'fill']);
  const { size, padding = 0, mode = 'constant', fill = 0 } = options;
  if (!paddingModes.includes(mode))
    throw invalid('crop', `mode must be one of ${paddingModes.join(', ')}`, mode);
  return {
    kind: 'crop',
    size: size === undefined ? null : requirePair('crop', 'size', size, { min: 1 }),
    padding: requirePair('crop', 'padding', padding, { min: 0 }),
    mode,
    fill: requireNumber('crop', 'fill', fill),
  };
}

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

/**
 * Rotates, shifts, scales and shears images [H, W, C] about their centre at random, as torchvision's RandomAffine
 * with bilinear interpolation; shifts are whole pixels. Interpolation also takes `fill` for pixels outside the image.
 */
export function affine(options: AffineOptions): Affine {
  requireKnown('affine', options, ['degrees', 'translate', 'scale', 'shear', 'fill']);
  const { degrees = 0, translate = [0, 0], scale = [1, 1], shear = 0, fill = 0 } = options;
  if (!Array.isArray(translate) || translate.length !== 2)
    throw invalid('affine', 'translate must be [rows, columns], shares of height and width', translate);
  const [rows, columns] = translate.map((share) =>
    requireNumber('affine', 'translate', share, { min: 0, max: 1 }),
  ) as [number, number];
  if (!Array.isArray(scale)) throw invalid('affine', 'scale must be [low, high]', scale);
  const factors = requireInterval('affine', 'scale', scale);
  if (factors[0] <= 0) throw invalid('affine', 'scale must be positive', scale);
  const both = Array.isArray(shear) ? shear : [shear, 0];
  if (both.length !== 2) throw invalid('affine', 'shear must be degrees along x, or [x, y]', shear);
  const [x, y] = both.map((range) => requireInterval('affine', 'shear', range)) as [Interval, Interval];
  for (const angle of [...x, ...y]) requireNumber('affine', 'shear', angle, { min: -89, max: 89 });
  return {
    kind: 'affine',
    degrees: requireInterval('affine', 'degrees', degrees),
    translate: [rows, columns],
    scale: factors,
    shear: [x, y],
    fill: requireNumber('affine', 'fill', fill),
  };
}
