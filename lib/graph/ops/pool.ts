import { isFloat } from '../dtype.js';
import { invalid } from '../errors.js';
import type { OpRecord } from '../op.js';
import type { Shape } from '../shapes.js';
import { Tensor } from '../tensor.js';
import { type Pair, pair, windowPlaces } from './window.js';

/** Options of a pooling window, each one number or `[height, width]`. */
export interface PoolOptions {
  /** Step between the places of the window; by default its size. */
  readonly stride?: Pair;
  /** Width of the frame around the image, at most half of the window. Default 0. */
  readonly padding?: Pair;
}

export interface PoolAttributes {
  readonly size: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
}

const window = ({ size, stride, padding }: PoolAttributes) => ({ size, stride, padding });
const comparisons = (pooled: Shape, { size }: PoolAttributes) =>
  pooled.reduce((a, b) => a * b, 1) * size[0] * size[1];

function pooledShape(op: string, x: Tensor, { size, stride, padding }: PoolAttributes): Shape {
  const [n, height, width, channels] = x.shape as [number, number, number, number];
  return [
    n,
    windowPlaces(op, height, size[0], stride[0], padding[0]),
    windowPlaces(op, width, size[1], stride[1], padding[1]),
    channels,
  ];
}

/** The largest value of each window. */
export const maxPool2dOp: OpRecord<PoolAttributes> = {
  kind: 'maxPool2d',
  type: ([x], attributes) => ({
    shape: pooledShape('maxPool2d', x as Tensor, attributes),
    dtype: (x as Tensor).dtype,
  }),
  grad: (gradient, node) => [new Tensor(maxPool2dGradOp, [node.input(0), gradient], window(node.attributes))],
  kernel: {
    family: 'call',
    call: ({ attributes }) => ({
      kernel: 'maxPool2d',
      inputs: ['input'],
      attributes: { ...window(attributes) },
    }),
  },
  cost: (node) => comparisons(node.shape, node.attributes),
};

/** Puts each window's gradient where the window's first maximum is. */
export const maxPool2dGradOp: OpRecord<PoolAttributes> = {
  kind: 'maxPool2dGrad',
  type: ([x]) => ({ shape: (x as Tensor).shape, dtype: (x as Tensor).dtype }),
  grad: (gradient, node) => [
    null,
    new Tensor(maxPool2dGatherOp, [node.input(0), gradient], window(node.attributes)),
  ],
  kernel: {
    family: 'call',
    call: ({ attributes }) => ({
      kernel: 'maxPool2dGrad',
      inputs: ['input', 'gradient'],
      attributes: { ...window(attributes) },
    }),
  },
  cost: (node) => comparisons(node.input(1).shape, node.attributes),
};

/** Reads from a second image the values at the places of the first one's maxima. */
export const maxPool2dGatherOp: OpRecord<PoolAttributes> = {
  kind: 'maxPool2dGather',
  type: ([x], attributes) => ({
    shape: pooledShape('maxPool2d', x as Tensor, attributes),
    dtype: (x as Tensor).dtype,
  }),
  grad: (gradient, node) => [
    null,
    new Tensor(maxPool2dGradOp, [node.input(0), gradient], window(node.attributes)),
  ],
  kernel: {
    family: 'call',
    call: ({ attributes }) => ({
      kernel: 'maxPool2dGather',
      inputs: ['input', 'values'],
      attributes: { ...window(attributes) },
    }),
  },
  cost: (node) => comparisons(node.shape, node.attributes),
};

/** The mean of each window; padding counts as zeros. */
export const avgPool2dOp: OpRecord<PoolAttributes> = {
  kind: 'avgPool2d',
  type: ([x], attributes) => ({
    shape: pooledShape('avgPool2d', x as Tensor, attributes),
    dtype: (x as Tensor).dtype,
  }),
  grad: (gradient, node) => [
    new Tensor(avgPool2dGradOp, [gradient], { ...window(node.attributes), shape: node.input(0).shape }),
  ],
  kernel: {
    family: 'call',
    call: ({ attributes }) => ({
      kernel: 'avgPool2d',
      inputs: ['input'],
      attributes: { ...window(attributes) },
    }),
  },
  cost: (node) => comparisons(node.shape, node.attributes),
};

/** Spreads each window's gradient evenly over the window. */
export const avgPool2dGradOp: OpRecord<PoolAttributes & { readonly shape: Shape }> = {
  kind: 'avgPool2dGrad',
  type: ([gradient], { shape }) => ({ shape, dtype: (gradient as Tensor).dtype }),
  grad: (gradient, node) => [new Tensor(avgPool2dOp, [gradient], window(node.attributes))],
  kernel: {
    family: 'call',
    call: ({ attributes }) => ({
      kernel: 'avgPool2dGrad',
      inputs: ['gradient'],
      attributes: { ...window(attributes) },
    }),
  },
  cost: (node) => comparisons(node.input(0).shape, node.attributes),
};

function poolAttributes(
  op: string,
  x: Tensor,
  size: Pair,
  { stride, padding = 0 }: PoolOptions,
): PoolAttributes {
  if (x.ndim !== 4) throw invalid(op, 'images must be [N, H, W, C]', x.shape);
  if (!isFloat(x.dtype)) throw invalid(op, 'images must be float32 or float64', x.dtype);
  const window = pair(op, 'size', size, 1);
  const frame = pair(op, 'padding', padding, 0);
  if (frame.some((width, axis) => width > (window[axis] as number) / 2)) {
    throw invalid(op, 'padding must be at most half of the window', frame);
  }
  return { size: window, stride: pair(op, 'stride', stride ?? size, 1), padding: frame };
}

/** The largest value of each window of images [N, H, W, C]; the first one wins a tie. Padding never wins. */
export function maxPool2d(x: Tensor, size: Pair, options: PoolOptions = {}): Tensor {
  return new Tensor(maxPool2dOp, [x], poolAttributes('maxPool2d', x, size, options));
}

/** The mean of each window of images [N, H, W, C]; padding counts as zeros, as PyTorch's default. */
export function avgPool2d(x: Tensor, size: Pair, options: PoolOptions = {}): Tensor {
  return new Tensor(avgPool2dOp, [x], poolAttributes('avgPool2d', x, size, options));
}
