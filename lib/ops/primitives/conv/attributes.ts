import type { Shape } from '../../../graph/shapes.js';

export interface ConvAttributes {
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** Number of groups of channels; each group of results sees one group of the image's channels. */
  readonly groups: number;
}

export interface ConvGradAttributes extends ConvAttributes {
  /** The shape of the image, or of the kernel, whose gradient is taken. */
  readonly shape: Shape;
}
