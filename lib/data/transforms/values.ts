import { checked } from '../../graph/arguments/checked.js';
import { kind, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { needed, optionsOf } from '../../graph/arguments/options.js';
import { invalid } from '../../graph/errors.js';
import type { Normalize } from '../../nn/preprocessing.js';
import { interval, intervalOf, numbers } from './kinds.js';
import type { ColorJitter, Cutout, Interval, Mixup, Noise } from './transform.js';

export interface ColorJitterOptions {
  /** Range of factors, or its half-width around 1. Default 0. */
  readonly brightness?: number | Interval;
  /** As brightness. */
  readonly contrast?: number | Interval;
  /** As brightness; without effect on images of one channel. */
  readonly saturation?: number | Interval;
}

/** The numbers by which values are multiplied. */
const factors = interval(0);

const colorJitterOptions = optionsOf<ColorJitterOptions>({
  brightness: factors,
  contrast: factors,
  saturation: factors,
});

/**
 * Changes brightness, contrast and saturation of images [H, W, 1] or [H, W, 3] at random, in a random order, as
 * torchvision's ColorJitter. Values are clamped to 0 ... 255 if inputs are bytes, else to 0 ... 1, and not rounded.
 */
export const colorJitter = checked(
  'colorJitter',
  { options: colorJitterOptions },
  ({ brightness = 0, contrast = 0, saturation = 0 }: ColorJitterOptions): ColorJitter => {
    const around = { centre: 1, min: 0 };
    return {
      kind: 'colorJitter',
      brightness: intervalOf(brightness, around),
      contrast: intervalOf(contrast, around),
      saturation: intervalOf(saturation, around),
    };
  },
);

export interface NormalizeOptions {
  /** Mean of each channel (the last axis), or one for all. */
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
  /** Divisor of the inputs before all else. Default: 255 if inputs are bytes, as in torchvision's ToTensor, else 1. */
  readonly divisor?: number;
}

const normalizeOptions = optionsOf<NormalizeOptions>({
  mean: needed(numbers),
  std: needed(
    kind('a positive number or an array of positive numbers', (value) =>
      [value].flat().every((one) => kinds.positive.accepts(one)),
    ),
  ),
  divisor: kind('a positive number', (value) => value === null || kinds.positive.accepts(value)),
});

/**
 * `(x / divisor - mean) / std`, channel by channel, as torchvision's ToTensor and Normalize; for inputs of any shape.
 */
export const normalize = checked(
  'normalize',
  { options: normalizeOptions },
  ({ divisor, ...options }: NormalizeOptions): Normalize => {
    const [mean, std] = [[options.mean].flat(), [options.std].flat()];
    if (mean.length !== std.length) {
      const got = `${mean.length} and ${std.length}`;
      throw invalid('normalize', 'mean and std must have as many numbers', got);
    }
    return { kind: 'normalize', mean, std, divisor: divisor ?? null };
  },
);

export interface CutoutOptions {
  /** Side of the square, in pixels. */
  readonly size: number;
  /** Value of the filled pixels. Default 0. */
  readonly fill?: number;
}

/** The largest size that the addon takes. */
const MOST = 2 ** 24;

const cutoutOptions = optionsOf<CutoutOptions>({
  size: needed(kinds.integer({ min: 1, max: MOST })),
  fill: kinds.finite,
});

/**
 * Fills a square around a random pixel of images [H, W, C] (DeVries & Taylor 2017). The part of the square outside
 * the image is cut off, so it may be smaller.
 */
export const cutout = checked(
  'cutout',
  { options: cutoutOptions },
  ({ size, fill = 0 }: CutoutOptions): Cutout => ({ kind: 'cutout', size, fill }),
);

export interface NoiseOptions {
  /** Standard deviation. */
  readonly std: number;
}

const noiseOptions = optionsOf<NoiseOptions>({ std: needed(kinds.nonNegative) });

/**
 * Adds independent normally distributed noise to inputs of any shape, as torchvision's GaussianNoise without
 * clipping.
 */
export const noise = checked(
  'noise',
  { options: noiseOptions },
  ({ std }: NoiseOptions): Noise => ({ kind: 'noise', std }),
);

export interface MixupOptions {
  /** Parameter of the Beta distribution of the shares. Default 1. */
  readonly alpha?: number;
  /** Number of classes, needed if targets are labels: these become probabilities, [classes]. */
  readonly classes?: number;
}

const mixupOptions = optionsOf<MixupOptions>({
  alpha: kinds.positive,
  classes: kinds.integer({ min: 2, max: MOST }),
});

/**
 * Mixes each sample, inputs and target, with the one before it in the batch, and the first with the last: `lambda` of
 * its own values and `1 - lambda` of the other's, with one `lambda` per batch from Beta(alpha, alpha) (Zhang et al.
 * 2018), as torchvision's MixUp. It must be the last transform.
 */
export const mixup = checked(
  'mixup',
  { options: optional(mixupOptions) },
  ({ alpha = 1, classes }: MixupOptions = {}): Mixup => ({ kind: 'mixup', alpha, classes: classes ?? null }),
);
