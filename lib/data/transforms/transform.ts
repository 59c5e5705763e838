import type { Shape } from '../../graph/shapes.js';

/** Two numbers, of which a random one between them is taken. */
export type Interval = readonly [low: number, high: number];

/** How an image continues beyond its edges: with a number, its last pixel, or mirrored without or with that pixel. */
export type PaddingMode = 'constant' | 'edge' | 'reflect' | 'symmetric';

export interface Flip {
  readonly kind: 'flip';
  /** The probabilities. */
  readonly horizontal: number;
  readonly vertical: number;
}

export interface Crop {
  readonly kind: 'crop';
  /** Rows and columns; null is the size that images have. */
  readonly size: readonly [number, number] | null;
  readonly padding: readonly [number, number];
  readonly mode: PaddingMode;
  readonly fill: number;
}

export interface Affine {
  readonly kind: 'affine';
  readonly degrees: Interval;
  /** Largest shifts, as shares of height and width. */
  readonly translate: readonly [number, number];
  readonly scale: Interval;
  /** Degrees along x and y. */
  readonly shear: readonly [Interval, Interval];
  readonly fill: number;
}

export interface ColorJitter {
  readonly kind: 'colorJitter';
  readonly brightness: Interval;
  readonly contrast: Interval;
  readonly saturation: Interval;
}

export interface Normalize {
  readonly kind: 'normalize';
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** null is 255 for bytes and 1 for other inputs. */
  readonly divisor: number | null;
}

export interface Cutout {
  readonly kind: 'cutout';
  readonly size: number;
  readonly fill: number;
}

export interface Noise {
  readonly kind: 'noise';
  readonly std: number;
}

export interface Mixup {
  readonly kind: 'mixup';
  readonly alpha: number;
  /** How many classes int32 labels are of. */
  readonly classes: number | null;
}

/** What becomes of a sample that cannot be loaded. */
export type OnBadItem = 'error' | 'skip';

export interface Custom {
  readonly kind: 'custom';
  /** Of the module. */
  readonly url: string;
  readonly options: unknown;
  /** Of the values that it gives; null is the shape of those that it gets. */
  readonly shape: Shape | null;
  readonly dtype: 'float32' | 'uint8';
  readonly onBadItem: OnBadItem;
}

/** What is done to samples when they are loaded: plain data, which threads can be sent. */
export type Transform = Flip | Crop | Affine | ColorJitter | Normalize | Cutout | Noise | Mixup | Custom;
