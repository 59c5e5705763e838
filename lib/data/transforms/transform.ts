import { type Kind, kind, listOf } from '../../graph/arguments/kind.js';
import type { Shape } from '../../graph/shapes.js';
import type { Normalize } from '../../nn/preprocessing.js';

/** An interval from which a number is drawn at random. */
export type Interval = readonly [low: number, high: number];

/**
 * Continuation of an image beyond its edges: a constant, its last pixel, or its mirror image without or with that
 * pixel.
 */
export type PaddingMode = 'constant' | 'edge' | 'reflect' | 'symmetric';

export interface Flip {
  readonly kind: 'flip';
  /** Probabilities. */
  readonly horizontal: number;
  readonly vertical: number;
}

export interface Crop {
  readonly kind: 'crop';
  /** Rows and columns; null for the size of the images. */
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
  /** Number of classes of integer labels. */
  readonly classes: number | null;
}

/** Treatment of a sample that cannot be loaded. */
export type OnBadItem = 'error' | 'skip';

export interface Custom {
  readonly kind: 'custom';
  /** URL of the module. */
  readonly url: string;
  readonly options: unknown;
  /** Shape of its result; null for the shape of its inputs. */
  readonly shape: Shape | null;
  readonly dtype: 'float32' | 'uint8';
  readonly onBadItem: OnBadItem;
}

/** A transform of samples when they are loaded: plain data that can be sent to threads. */
export type Transform = Flip | Crop | Affine | ColorJitter | Normalize | Cutout | Noise | Mixup | Custom;

const transform: Kind<Transform> = kind(
  'a transform such as data.flip()',
  (value) => typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string',
);

/** Transforms, in the order in which they are applied. */
export const transformList: Kind<readonly Transform[]> = listOf(transform, 'transforms such as data.flip()');
