import { invalid, requireInteger } from '../../graph/errors.js';
import { requireInterval, requireKnown, requireNumber } from './checks.js';
import type { ColorJitter, Cutout, Interval, Mixup, Noise, Normalize } from './transform.js';

export interface ColorJitterOptions {
  /** Interval of factors, or a number for as much below and above 1. Default 0. */
  readonly brightness?: number | Interval;
  /** As brightness. */
  readonly contrast?: number | Interval;
  /** As brightness; without effect on images of one channel. */
  readonly saturation?: number | Interval;
}

/**
 * Changes brightness, contrast and saturation at random, in a random order, as torchvision's ColorJitter. Values are
 * clamped to 0 ... 255 where inputs are bytes, else to 0 ... 1, and not rounded. Images are [H, W, 1] or [H, W, 3].
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
  /** Of each channel (the last axis), or one for all. */
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
  /** What inputs are divided by first. Default: 255 where inputs are bytes, as torchvision's ToTensor does, else 1. */
  readonly divisor?: number;
}

/** (x / divisor - mean) / std, channel by channel, as torchvision's ToTensor and Normalize. Inputs of any shape. */
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
  /** Default 0. */
  readonly fill?: number;
}

/**
 * Fills a square around a random pixel (DeVries & Taylor 2017); the part of it outside the image is lost, so it may be
 * smaller. Images are [H, W, C].
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

/** Adds independent normally distributed numbers to inputs of any shape, as torchvision's GaussianNoise without clip. */
export function noise(options: NoiseOptions): Noise {
  requireKnown('noise', options, ['std']);
  return { kind: 'noise', std: requireNumber('noise', 'std', options.std, { min: 0 }) };
}

export interface MixupOptions {
  /** Of the Beta distribution that the shares are drawn from. Default 1. */
  readonly alpha?: number;
  /** How many classes there are, where targets are labels: they become probabilities, [classes]. */
  readonly classes?: number;
}

/**
 * Mixes each sample, inputs and target, with the one before it in the batch, the first with the last: `lambda` of the one
 * and `1 - lambda` of the other, with one `lambda` for each batch from Beta(alpha, alpha) (Zhang et al. 2018), as
 * torchvision's MixUp. It stands behind all other transforms.
 */
export function mixup(options: MixupOptions = {}): Mixup {
  requireKnown('mixup', options, ['alpha', 'classes']);
  const { alpha = 1, classes } = options;
  if (!(Number.isFinite(alpha) && alpha > 0)) throw invalid('mixup', 'alpha must be positive', alpha);
  if (classes !== undefined) requireInteger('mixup', 'classes', classes, { min: 2, max: 2 ** 24 });
  return { kind: 'mixup', alpha, classes: classes ?? null };
}
