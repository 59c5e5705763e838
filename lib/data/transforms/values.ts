import { invalid, requireInteger } from '../../graph/errors.js';
import { requireInterval, requireKnown, requireNumber } from './checks.js';
import type { ColorJitter, Cutout, Interval, Mixup, Noise, Normalize } from './transform.js';

export interface ColorJitterOptions {
  /** Range of factors, or its half-width around 1. Default 0. */
  readonly brightness?: number | Interval;
  /** As brightness. */
  readonly contrast?: number | Interval;
  /** As brightness; without effect on images of one channel. */
  readonly saturation?: number | Interval;
}

/**
 * Changes brightness, contrast and saturation of images [H, W, 1] or [H, W, 3] at random, in a random order, as
 * torchvision's ColorJitter. Values are clamped to 0 ... 255 if inputs are bytes, else to 0 ... 1, and not rounded.
 */
export function colorJitter(options: ColorJitterOptions): ColorJitter {
  requireKnown('colorJitter', options, ['brightness', 'contrast', 'saturation']);
  const range = (name: keyof ColorJitterOptions) =>
    requireInterval('colorJitter', name, options[name] ?? 0, { centre: 1, min: 0 });
  return {
    kind: 'colorJitter',
    brightness: range('brightness'),
    contrast: range('contrast'),
    saturation: range('saturation'),
  };
}

export interface NormalizeOptions {
  /** Mean of each channel (the last axis), or one for all. */
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
  /** Divisor of the inputs before all else. Default: 255 if inputs are bytes, as in torchvision's ToTensor, else 1. */
  readonly divisor?: number;
}

/**
 * `(x / divisor - mean) / std`, channel by channel, as torchvision's ToTensor and Normalize; for inputs of any shape.
 */
export function normalize(options: NormalizeOptions): Normalize {
  requireKnown('normalize', options, ['mean', 'std', 'divisor']);
  const list = (name: 'mean' | 'std') =>
    [options[name]].flat().map((value) => requireNumber('normalize', name, value));
  const [mean, std] = [list('mean'), list('std')];
  if (mean.length !== std.length)
    throw invalid('normalize', 'mean and std must have as many numbers', `${mean.length} and ${std.length}`);
  if (std.some((value) => !(value > 0))) throw invalid('normalize', 'std must be positive', options.std);
  const { divisor = null } = options;
  if (divisor !== null && !(Number.isFinite(divisor) && divisor > 0))
    throw invalid('normalize', 'divisor must be positive', divisor);
  return { kind: 'normalize', mean, std, divisor };
}

export interface CutoutOptions {
  /** Side of the square, in pixels. */
  readonly size: number;
  /** Value of the filled pixels. Default 0. */
  readonly fill?: number;
}

/**
 * Fills a square around a random pixel of images [H, W, C] (DeVries & Taylor 2017). The part of the square outside
 * the image is cut off, so it may be smaller.
 */
export function cutout(options: CutoutOptions): Cutout {
  requireKnown('cutout', options, ['size', 'fill']);
  const { size, fill = 0 } = options;
  return {
    kind: 'cutout',
    size: requireInteger('cutout', 'size', size, { min: 1, max: 2 ** 24 }),
    fill: requireNumber('cutout', 'fill', fill),
  };
}

export interface NoiseOptions {
  /** Standard deviation. */
  readonly std: number;
}

/**
 * Adds independent normally distributed noise to inputs of any shape, as torchvision's GaussianNoise without
 * clipping.
 */
export function noise(options: NoiseOptions): Noise {
  requireKnown('noise', options, ['std']);
  return { kind: 'noise', std: requireNumber('noise', 'std', options.std, { min: 0 }) };
}

export interface MixupOptions {
  /** Parameter of the Beta distribution of the shares. Default 1. */
  readonly alpha?: number;
  /** Number of classes, needed if targets are labels: these become probabilities, [classes]. */
  readonly classes?: number;
}

/**
 * Mixes each sample, inputs and target, with the one before it in the batch, and the first with the last: `lambda` of
 * its own values and `1 - lambda` of the other's, with one `lambda` per batch from Beta(alpha, alpha) (Zhang et al.
 * 2018), as torchvision's MixUp. It must be the last transform.
 */
export function mixup(options: MixupOptions = {}): Mixup {
  requireKnown('mixup', options, ['alpha', 'classes']);
  const { alpha = 1, classes } = options;
  if (!(Number.isFinite(alpha) && alpha > 0)) throw invalid('mixup', 'alpha must be positive', alpha);
  if (classes !== undefined) requireInteger('mixup', 'classes', classes, { min: 2, max: 2 ** 24 });
  return { kind: 'mixup', alpha, classes: classes ?? null };
}
