import { adaptiveAvgPool2d, avgPool2d, maxPool2d, type Tensor, vjp } from '../../../index.js';
import type { KernelCase } from '../kernel-case.js';
import { bothCases, by, type FunctionCase, floats } from './build.js';

const IMAGES: readonly (readonly number[])[] = [
  [16, 32, 32, 64],
  [64, 28, 28, 6],
  [64, 14, 14, 16],
];

/** Pools of images, and with their gradients. */
export const poolCases: readonly KernelCase[] = [
  ...IMAGES.flatMap((shape) => [
    ...both(`max 2x2, ${by(...shape)}`, shape, (x) => maxPool2d(x, 2), 'maxPool2d', {
      size: 2,
      stride: 2,
      padding: 0,
    }),
    ...both(`average 2x2, ${by(...shape)}`, shape, (x) => avgPool2d(x, 2), 'avgPool2d', {
      size: 2,
      stride: 2,
      padding: 0,
    }),
  ]),
  ...both(
    'max 3x3, stride 2, 16x32x32x64',
    [16, 32, 32, 64],
    (x) => maxPool2d(x, 3, { stride: 2, padding: 1 }),
    'maxPool2d',
    {
      size: 3,
      stride: 2,
      padding: 1,
    },
  ),
  ...both('global average, 16x8x8x512', [16, 8, 8, 512], (x) => adaptiveAvgPool2d(x, 1), 'globalAvgPool2d'),
  {
    family: 'pool',
    name: 'second gradient of max 2x2, 16x32x32x64',
    inputs: [floats(16, 32, 32, 64), floats(16, 16, 16, 64), floats(16, 32, 32, 64)],
    graph: ([x, gradient, outer]) => {
      const [inner] = vjp([maxPool2d(x as Tensor, 2)], [gradient as Tensor], [x as Tensor]);
      return vjp([inner as Tensor], [outer as Tensor], [gradient as Tensor]);
    },
    flops: 0,
  },
];

function both(
  name: string,
  shape: readonly number[],
  fn: (x: Tensor) => Tensor,
  op: string,
  options: Readonly<Record<string, number>> = {},
): KernelCase[] {
  const of: FunctionCase = {
    family: 'pool',
    name,
    inputs: [floats(...shape)],
    fn: (x) => fn(x as Tensor),
    peer: { op, images: [0], options },
  };
  return bothCases(of);
}
