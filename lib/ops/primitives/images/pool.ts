import { at } from '../../../graph/at.js';
import { invalid } from '../../../graph/errors.js';
import type { OpRecord } from '../../../graph/op.js';
import type { Shape } from '../../../graph/shapes.js';
import { Tensor } from '../../../graph/tensor.js';
import { rowByRow } from '../rows.js';
import { windowPlaces } from './window.js';

export interface PoolAttributes {
  readonly size: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  /** Distance between the elements of the window. */
  readonly dilation: readonly [number, number];
  /** True if a last window may reach past the end. */
  readonly ceilMode: boolean;
}

const window = ({ size, stride, padding, dilation, ceilMode }: PoolAttributes): PoolAttributes => ({
  size,
  stride,
  padding,
  dilation,
  ceilMode,
});
/** The attributes of the native kernels, which infer the number of windows from the shapes. */
const extents = ({ size, stride, padding, dilation }: PoolAttributes) => ({
  size,
  stride,
  padding,
  dilation,
});
const comparisons = (pooled: Shape, { size }: PoolAttributes) =>
  pooled.reduce((a, b) => a * b, 1) * size[0] * size[1];

function pooledShape(op: string, x: Tensor, attributes: PoolAttributes): Shape {
  const [n, height, width, channels] = x.shape as [number, number, number, number];
  return [n, poolPlaces(op, height, attributes, 0), poolPlaces(op, width, attributes, 1), channels];
}

/** A pooling's window on each of its axes. */
export interface WindowLists {
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly ceilMode: boolean;
}

/** The number of windows on one axis. Throws if there is none, or if one covers no element. */
export function poolPlaces(op: string, length: number, window: WindowLists, axis: number): number {
  const [size, stride, padding, dilation] = (['size', 'stride', 'padding', 'dilation'] as const).map((name) =>
    at(window[name], axis),
  ) as [number, number, number, number];
  const count = windowPlaces(op, length, size, stride, padding, dilation, window.ceilMode);
  for (let place = 0; place < count; place++) {
    // The taps of a dilated window may all miss a short image.
    const start = place * stride - padding;
    const first = start < 0 ? start + Math.ceil(-start / dilation) * dilation : start;
    if (first >= length || first > start + (size - 1) * dilation) {
      throw invalid(op, `window ${place} must cover an element of the ${length} on its axis`);
    }
  }
  return count;
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
      attributes: extents(attributes),
    }),
  },
  shards: rowByRow,
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
      attributes: extents(attributes),
    }),
  },
  shards: rowByRow,
  cost: (node) => comparisons(node.input(1).shape, node.attributes),
};

/** Reads a second image at the places of the first one's maxima. */
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
      attributes: extents(attributes),
    }),
  },
  shards: rowByRow,
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
      attributes: extents(attributes),
    }),
  },
  shards: rowByRow,
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
      attributes: extents(attributes),
    }),
  },
  shards: (node, shards) => {
    const [images = 0, ...rest] = node.attributes.shape;
    return rowByRow(node, shards, { ...node.attributes, shape: [shards.count * images, ...rest] });
  },
  cost: (node) => comparisons(node.input(0).shape, node.attributes),
};
