import { sizeOf } from '../../../graph/shapes.js';
import { conv2d, type Tensor, vjp } from '../../../index.js';
import { pairsInside } from '../../limits/window-pairs.js';
import type { Values } from '../../scenario.js';
import { sum } from '../../statistics.js';
import type { KernelCase } from '../kernel-case.js';
import { by, floats } from './build.js';

/** A convolution of square images by square kernels. */
export interface ConvSpec {
  readonly images: number;
  readonly side: number;
  readonly channels: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
}

/** Of the bench's models, for a shard of their batches, and of what networks have besides. */
const SPECS: readonly ConvSpec[] = [
  // ResNet-18: 3x3, at each size, with stride and without, and the projections.
  { images: 16, side: 32, channels: 64, out: 64, kernel: 3, padding: 1 },
  { images: 16, side: 32, channels: 64, out: 128, kernel: 3, padding: 1, stride: 2 },
  { images: 16, side: 32, channels: 64, out: 128, kernel: 1, stride: 2 },
  { images: 16, side: 16, channels: 128, out: 128, kernel: 3, padding: 1 },
  { images: 16, side: 16, channels: 128, out: 256, kernel: 3, padding: 1, stride: 2 },
  { images: 16, side: 8, channels: 256, out: 256, kernel: 3, padding: 1 },
  { images: 16, side: 8, channels: 256, out: 512, kernel: 3, padding: 1, stride: 2 },
  { images: 16, side: 8, channels: 256, out: 512, kernel: 1, stride: 2 },
  { images: 16, side: 4, channels: 512, out: 512, kernel: 3, padding: 1 },
  // ResNet-20.
  { images: 16, side: 32, channels: 16, out: 16, kernel: 3, padding: 1 },
  { images: 16, side: 32, channels: 16, out: 32, kernel: 3, padding: 1, stride: 2 },
  { images: 16, side: 16, channels: 32, out: 32, kernel: 3, padding: 1 },
  { images: 16, side: 8, channels: 64, out: 64, kernel: 3, padding: 1 },
  // Few input channels.
  { images: 16, side: 32, channels: 3, out: 64, kernel: 3, padding: 1 },
  { images: 16, side: 32, channels: 3, out: 16, kernel: 3, padding: 1 },
  { images: 64, side: 28, channels: 1, out: 32, kernel: 3, padding: 1 },
  { images: 64, side: 28, channels: 1, out: 6, kernel: 5, padding: 2 },
  { images: 64, side: 28, channels: 32, out: 64, kernel: 3, padding: 1 },
  // One image, as in a prediction.
  { images: 1, side: 32, channels: 64, out: 64, kernel: 3, padding: 1 },
  { images: 1, side: 28, channels: 32, out: 64, kernel: 3, padding: 1 },
  // Larger kernels.
  { images: 64, side: 14, channels: 6, out: 16, kernel: 5 },
  { images: 16, side: 16, channels: 32, out: 32, kernel: 5, padding: 2 },
  { images: 2, side: 112, channels: 3, out: 64, kernel: 7, padding: 3, stride: 2 },
  // Single points.
  { images: 16, side: 16, channels: 64, out: 256, kernel: 1 },
  { images: 16, side: 16, channels: 256, out: 64, kernel: 1 },
  // Few output channels.
  { images: 16, side: 32, channels: 64, out: 1, kernel: 3, padding: 1 },
  { images: 16, side: 32, channels: 64, out: 2, kernel: 3, padding: 1 },
  { images: 16, side: 32, channels: 64, out: 3, kernel: 3, padding: 1 },
  { images: 16, side: 32, channels: 32, out: 3, kernel: 5, padding: 2 },
  { images: 16, side: 32, channels: 64, out: 3, kernel: 1 },
  // Depthwise, grouped and dilated.
  { images: 16, side: 32, channels: 64, out: 64, kernel: 3, padding: 1, groups: 64 },
  { images: 16, side: 32, channels: 64, out: 64, kernel: 3, padding: 1, groups: 64, stride: 2 },
  { images: 16, side: 16, channels: 128, out: 128, kernel: 5, padding: 2, groups: 128 },
  { images: 16, side: 16, channels: 128, out: 128, kernel: 3, padding: 1, groups: 4 },
  { images: 16, side: 32, channels: 64, out: 64, kernel: 3, padding: 2, dilation: 2 },
];

/** Convolutions and both of their gradients. */
export const convCases: readonly KernelCase[] = SPECS.flatMap(casesOf);

/** A convolution, its input gradient and its weight gradient. */
export function casesOf(spec: ConvSpec): [KernelCase, KernelCase, KernelCase] {
  const { images, side, channels, out, kernel } = spec;
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = spec;
  const options = { stride, padding, dilation, groups };
  const places = placesOf(spec);
  const x = floats(images, side, side, channels);
  const w = floats(kernel, kernel, channels / groups, out);
  const y = floats(images, places, places, out);
  const common = { name: nameOf(spec), flops: flopsOf(spec) };
  const convolve = (image?: Tensor, taps?: Tensor) => conv2d(image as Tensor, taps as Tensor, options);
  const backward = { inputs: [y, x, w], images: [0, 1], kernel: 2, options };
  return [
    {
      ...common,
      family: 'conv2d',
      inputs: [x, w],
      graph: ([image, taps]) => [convolve(image, taps)],
      peer: { op: 'conv2d', inputs: [x, w], images: [0], kernel: 1, options },
    },
    {
      ...common,
      family: 'conv2d-input-gradient',
      inputs: [y, x, w],
      bytes: { read: bytesOf(y, w), written: bytesOf(x) },
      graph: ([gradient, image, taps]) =>
        vjp([convolve(image, taps)], [gradient as Tensor], [image as Tensor]),
      peer: { op: 'conv2dInputGrad', ...backward },
    },
    {
      ...common,
      family: 'conv2d-weight-gradient',
      inputs: [y, x, w],
      bytes: { read: bytesOf(y, x), written: bytesOf(w) },
      graph: ([gradient, image, taps]) =>
        vjp([convolve(image, taps)], [gradient as Tensor], [taps as Tensor]),
      peer: { op: 'conv2dWeightGrad', ...backward },
    },
  ];
}

/** Places of the window on an axis. */
function placesOf({ side, kernel, stride = 1, padding = 0, dilation = 1 }: ConvSpec): number {
  return Math.floor((side + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** Two operations for each product of the definition, without those with padding. All directions have the same. */
export function flopsOf(spec: ConvSpec): number {
  const { images, side, channels, out, kernel, stride = 1, padding = 0, dilation = 1, groups = 1 } = spec;
  const places = placesOf(spec);
  const pairs = pairsInside({ length: side, places, kernel, stride, padding, dilation });
  return 2 * images * pairs ** 2 * (channels / groups) * out;
}

function nameOf(spec: ConvSpec): string {
  const { images, side, channels, out, kernel, stride = 1, dilation = 1, groups = 1 } = spec;
  const more = [
    ...(stride > 1 ? [`stride ${stride}`] : []),
    ...(dilation > 1 ? [`dilation ${dilation}`] : []),
    ...(groups > 1 ? [groups === channels ? 'depthwise' : `${groups} groups`] : []),
  ];
  return [`${by(kernel, kernel)} ${channels} to ${out} on ${images} of ${by(side, side)}`, ...more].join(
    ', ',
  );
}

function bytesOf(...operands: readonly Values[]): number {
  return sum(operands.map(({ shape }) => 4 * sizeOf(shape)));
}
