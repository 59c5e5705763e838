import { at } from '../../../graph/at.js';
import type { Shape } from '../../../graph/shapes.js';

import type { ConvAttributes } from './attributes.js';

// Winograd's minimal filtering: results in tiles of 4 x 4 take a quarter of the products, but their pixels and kernels
// have to be transformed. native/kernels/conv/winograd_grid.h only checks the choices made here.

const SIDE = 4;
const POSITIONS = 36;
/** Cost of the transforms of one channel of a tile, in products. */
const TILE_COST = 400;
/** Cost of the transform of one kernel of 3 x 3 weights, in products. */
const KERNEL_COST = 200;
/** Number of elements of transformed pixels that should stay in the second-level cache. */
const BLOCK_ELEMENTS = 98304;
/** Channels per block of a product that uses its transformed kernels only once. */
const CHANNELS = 64;
/** Rows of weights are padded to whole vectors of any instruction set. */
const VECTOR = 16;

/** Block sizes of Winograd's method: tiles, and channels of both sides of the kernel. */
export type WinogradBlocks = readonly [tiles: number, inner: number, outer: number];

export interface Winograd {
  readonly blocks: WinogradBlocks;
  /** Workspace, in elements. */
  readonly workspace: number;
}

type Dimensions = readonly [number, number, number, number];

/** True if the method supports the size and the options of the kernel. */
export function fitsWinograd(kernel: Shape, { stride, dilation, groups }: ConvAttributes): boolean {
  const one = ([a, b]: readonly [number, number]) => a === 1 && b === 1;
  return kernel[0] === 3 && kernel[1] === 3 && groups === 1 && one(stride) && one(dilation);
}

/** Winograd's method for a correlation to images of the shape `output`; undefined if its transforms do not pay off. */
export function winogradCorrelation(output: Shape, inner: number): Winograd | undefined {
  const outer = at(output, 3);
  const tiles = worthTiles(output, inner);
  if (tiles === 0) return undefined;
  const blocks = cut(tiles, inner, outer);
  const [block, depth, width] = blocks;
  const kernels =
    block < tiles
      ? Math.ceil(inner / depth) * Math.ceil(outer / width) * positionStep(depth * padded(width, outer))
      : positionStep(Math.min(depth, inner) * padded(width, outer));
  const workspace =
    POSITIONS * (positionStep(block * inner) + positionStep(block * Math.min(width, outer)) + kernels);
  return { blocks, workspace };
}

/** Winograd's method for the gradient with respect to the kernels; undefined if its transforms do not pay off. */
export function winogradWeightGrad(gradient: Shape, inner: number): Winograd | undefined {
  const outer = at(gradient, 3);
  const tiles = worthTiles(gradient, inner);
  if (tiles === 0) return undefined;
  const blocks = cut(tiles, inner, outer);
  const [block, depth, width] = blocks;
  const sum = positionStep(Math.min(depth, inner) * Math.min(width, outer));
  const sums = block < tiles ? Math.ceil(inner / depth) * Math.ceil(outer / width) * sum : sum;
  const workspace =
    POSITIONS * (positionStep(block * inner) + positionStep(block * padded(outer, outer)) + sums);
  return { blocks, workspace };
}

/** The number of tiles of the images, or 0 where direct sums are faster. */
function worthTiles(output: Shape, inner: number): number {
  const [images, height, width, outer] = output as Dimensions;
  const tiles = images * Math.ceil(height / SIDE) * Math.ceil(width / SIDE);
  const direct = images * height * width * 9 * inner * outer;
  const transforms = TILE_COST * tiles * (inner + outer) + KERNEL_COST * inner * outer;
  return POSITIONS * tiles * inner * outer + transforms < direct ? tiles : 0;
}

/** The block sizes. More channels take more tiles at a time, since all kernels are read for each block of them. */
function cut(tiles: number, inner: number, outer: number): WinogradBlocks {
  const fitting = BLOCK_ELEMENTS / POSITIONS / (inner + outer);
  const least = (inner * outer) / (inner + outer) / 2;
  const count = Math.ceil(tiles / Math.ceil(Math.max(fitting, least)));
  if (count === 1) return [tiles, CHANNELS, CHANNELS];
  return [Math.ceil(tiles / count), inner, padded(outer, outer)];
}

/** The distance between two positions, in elements; native/kernels/conv/winograd_grid.h gives the reason for it. */
function positionStep(elements: number): number {
  return Math.floor(Math.ceil(elements / 16) / 2) * 32 + 16;
}

function padded(channels: number, most: number): number {
  return Math.ceil(Math.min(channels, most) / VECTOR) * VECTOR;
}
