import { at } from '../../../graph/at.js';
import type { Shape } from '../../../graph/shapes.js';

// The native kernels work on bands: zero-padded stretches of the image that stay in the second-level cache.
// native/kernels/conv/conv_shape.h sets the size of a band, and refuses a workspace that is smaller than needed.

/** Target size of a band in elements, about a quarter of a megabyte of float32. */
const BAND_ELEMENTS = 65536;
/** Rows of weights are padded to whole vectors of any instruction set. */
const VECTOR = 16;

interface Window {
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

/** Positions of a window on one axis: their number, their distance in pixels, and the reach beyond the first pixel. */
interface Axis {
  readonly count: number;
  readonly step: number;
  readonly reach: number;
}

type Dimensions = readonly [number, number, number, number];

/** Workspace of a convolution of `image` with `kernel` to `output`, in elements. */
export function forwardWorkspace(image: Shape, kernel: Shape, output: Shape, window: Window): number {
  const [images, , , channels] = image as Dimensions;
  const [height, width, , out] = kernel as Dimensions;
  if (isDepthwise(kernel, window)) return 0;
  return (
    height * width * channels * padded(out / window.groups) +
    band(images, placesOf(kernel, output, window), channels).elements
  );
}

/** Workspace of the gradient with respect to the kernel, in elements. */
export function weightGradWorkspace(image: Shape, kernel: Shape, output: Shape, window: Window): number {
  const [images, , , channels] = image as Dimensions;
  const [, , outWidth, out] = output as Dimensions;
  const packedRow = isDepthwise(kernel, window) ? 0 : outWidth * padded(out / window.groups);
  const { elements, rows } = band(images, placesOf(kernel, output, window), channels, packedRow);
  return elements + rows * packedRow;
}

/** Workspace of the gradient with respect to the image, in elements. */
export function inputGradWorkspace(image: Shape, kernel: Shape, window: Window): number {
  const { stride, dilation } = window;
  const [images, imageHeight, imageWidth] = image as Dimensions;
  const [height, width, channels, out] = kernel as Dimensions;
  const places = [imageHeight, imageWidth].map((extent, axis): Axis => {
    const taps = axis === 0 ? height : width;
    const [step, spread] = [at(stride, axis), at(dilation, axis)];
    return { count: Math.ceil(extent / step), step: 1, reach: Math.floor(((taps - 1) * spread) / step) };
  }) as [Axis, Axis];
  if (isDepthwise(kernel, window)) return 0;
  return height * width * out * padded(channels) + band(images, places, out).elements;
}

/** True if each channel has a kernel of its own and one result. Such kernels read weights and images in place. */
function isDepthwise(kernel: Shape, { groups }: Window): boolean {
  return groups > 1 && kernel[2] === 1 && kernel[3] === groups;
}

function placesOf(kernel: Shape, output: Shape, { stride, dilation }: Window): [Axis, Axis] {
  const [height, width] = kernel as Dimensions;
  const [, outHeight, outWidth] = output as Dimensions;
  return [
    { count: outHeight, step: stride[0], reach: (height - 1) * dilation[0] },
    { count: outWidth, step: stride[1], reach: (width - 1) * dilation[1] },
  ];
}

/**
 * The size of a band: some rows of one image, or several whole images.
 *
 * @param rowFloor elements that a row of positions takes elsewhere, which may outnumber those of the image
 */
function band(images: number, [vertical, horizontal]: [Axis, Axis], channels: number, rowFloor = 0) {
  const pitch = Math.max(0, (horizontal.count - 1) * horizontal.step + horizontal.reach + 1) * channels;
  const cost = Math.max(vertical.step * pitch, rowFloor, 1);
  const rows = clamp(Math.floor(BAND_ELEMENTS / cost), Math.max(vertical.count, 1));
  const whole = rows === vertical.count;
  const stacked = whole ? clamp(Math.floor(BAND_ELEMENTS / (cost * rows)), Math.max(images, 1)) : 1;
  const elements = stacked * ((rows - 1) * vertical.step + vertical.reach + 1) * pitch;
  return { elements, rows: stacked * rows };
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(value, 1), most);
}

function padded(channels: number): number {
  return Math.ceil(channels / VECTOR) * VECTOR;
}
