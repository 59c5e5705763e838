import { at } from '../../../graph/at.js';
import type { Lowering, OpRecord, Shards } from '../../../graph/op.js';
import type { Shape } from '../../../graph/shapes.js';
import { Tensor } from '../../../graph/tensor.js';
import { expand } from '../broadcast.js';
import { mul } from '../elementwise.js';
import { permute, reshape } from '../movement.js';
import { packed } from '../packed.js';
import { joinRows } from '../rows.js';
import { windowPlaces } from './window.js';

/**
 * How a convolution is computed: `'direct'` sums for each result the products under its kernel and nothing else;
 * `'auto'` leaves the choice to the kernel, which takes Winograd's method for kernels of 3x3 where that is faster.
 */
export type ConvAlgorithm = 'auto' | 'direct';

export interface ConvAttributes {
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** Number of groups of channels; each group of results sees one group of the image's channels. */
  readonly groups: number;
  /** Of the convolution and of both gradients. Left out where the kernel chooses. */
  readonly algorithm?: 'direct';
  /** The number of images by which the kernel chooses, if it is not all of them: those of one of several shards. */
  readonly choice?: number;
}

export interface ConvGradAttributes extends ConvAttributes {
  /** The shape of the image, or of the kernel, whose gradient is taken. */
  readonly shape: Shape;
}

const window = ({ stride, padding, dilation, groups, algorithm }: ConvAttributes): ConvAttributes => ({
  stride,
  padding,
  dilation,
  groups,
  ...(algorithm && { algorithm }),
});

/** Multiply-adds, counted as two operations each, are the same for the convolution and both of its gradients. */
const cost = (output: Shape, kernel: Shape) =>
  2 * output.reduce((a, b) => a * b, 1) * kernel.slice(0, 3).reduce((a, b) => a * b, 1);

const call = (kernel: string, inputs: readonly string[]): Lowering<ConvAttributes> => ({
  family: 'call',
  call: ({ attributes }) => {
    const { choice } = attributes;
    return {
      kernel,
      inputs,
      attributes: { ...window(attributes), ...(choice !== undefined && { choice }) },
    };
  },
});

/** A 2-D convolution (cross-correlation) of images [N, H, W, C] with kernels [KH, KW, C / groups, O]. */
export const conv2dOp: OpRecord<ConvAttributes> = {
  kind: 'conv2d',
  type: (inputs, { stride, padding, dilation }) => {
    const [x, w] = inputs as [Tensor, Tensor];
    const [n, height, width] = x.shape as [number, number, number];
    const [kernelHeight, kernelWidth, , out] = w.shape as [number, number, number, number];
    return {
      shape: [
        n,
        windowPlaces('conv2d', height, kernelHeight, stride[0], padding[0], dilation[0]),
        windowPlaces('conv2d', width, kernelWidth, stride[1], padding[1], dilation[1]),
        out,
      ],
      dtype: x.dtype,
    };
  },
  grad: (gradient, { inputs, attributes }) => {
    const [x, w] = inputs as [Tensor, Tensor];
    return [inputGrad(gradient, w, x.shape, attributes), weightGrad(x, gradient, w.shape, attributes)];
  },
  kernel: call('conv2d', ['input', 'weight']),
  pack: (node, packing) =>
    packed(node, packing, {
      kernel: 'packConv2d',
      source: 'input',
      attributes: { ...window(node.attributes) },
      sizes: { image: node.input(0).shape, result: node.shape },
    }),
  laws: { scaledWeight: (node, scale) => mul(node.input(1), scale) },
  shards: (node, shards) => ofAllImages(node, shards, node.attributes),
  cost: (node) => cost(node.shape, node.input(1).shape),
};

/** The gradient of a convolution with respect to its images: a transposed convolution. */
export const conv2dInputGradOp: OpRecord<ConvGradAttributes> = {
  kind: 'conv2dInputGrad',
  type: ([gradient], { shape }) => ({ shape, dtype: (gradient as Tensor).dtype }),
  grad: (gradient, { inputs, attributes }) => {
    const [dy, w] = inputs as [Tensor, Tensor];
    return [
      new Tensor(conv2dOp, [gradient, w], window(attributes)),
      weightGrad(gradient, dy, w.shape, attributes),
    ];
  },
  kernel: call('conv2dInputGrad', ['gradient', 'weight']),
  pack: (node, packing) =>
    packed(node, packing, {
      kernel: 'packConv2dInputGrad',
      source: 'gradient',
      attributes: { ...window(node.attributes) },
      sizes: { image: node.shape, result: node.input(0).shape },
    }),
  laws: {
    scaledWeight: (node, scale) => {
      const weight = node.input(1);
      const { groups } = node.attributes as ConvGradAttributes;
      const [results, sources] = [at(weight.shape, 2), at(weight.shape, 3)];
      // A group's results stand on the third axis, and its part of the last axis is multiplied by their scales.
      const scales = reshape(permute(reshape(scale, [groups, results]), [1, 0]), [results, groups, 1]);
      return mul(weight, reshape(expand(scales, [results, groups, sources / groups]), [results, sources]));
    },
  },
  shards: (node, shards) => {
    const [images = 0, ...rest] = node.attributes.shape;
    return ofAllImages(node, shards, { ...node.attributes, shape: [shards.count * images, ...rest] });
  },
  cost: (node) => cost(node.input(0).shape, node.input(1).shape),
};

/** The gradient of a convolution with respect to its kernels. */
export const conv2dWeightGradOp: OpRecord<ConvGradAttributes> = {
  kind: 'conv2dWeightGrad',
  type: ([x], { shape }) => ({ shape, dtype: (x as Tensor).dtype }),
  grad: (gradient, { inputs, attributes }) => {
    const [x, dy] = inputs as [Tensor, Tensor];
    return [
      inputGrad(dy, gradient, x.shape, attributes),
      new Tensor(conv2dOp, [x, gradient], window(attributes)),
    ];
  },
  kernel: call('conv2dWeightGrad', ['input', 'gradient']),
  cost: (node) => cost(node.input(1).shape, node.shape),
};

/** The images of all shards at once, by the method for those of one, if the weights are the same for all. */
function ofAllImages<A extends ConvAttributes>(
  node: Tensor<A>,
  { count, common, stacked }: Shards,
  attributes: A,
): Tensor | undefined {
  const weight = common(1);
  if (!weight) return undefined;
  const choice = at(node.shape, 0);
  const all = new Tensor(node.op, [joinRows(stacked(0)), weight], { ...attributes, choice });
  return reshape(all, [count, ...node.shape]);
}

function inputGrad(gradient: Tensor, weight: Tensor, shape: Shape, attributes: ConvAttributes): Tensor {
  return new Tensor(conv2dInputGradOp, [gradient, weight], { ...window(attributes), shape });
}

function weightGrad(input: Tensor, gradient: Tensor, shape: Shape, attributes: ConvAttributes): Tensor {
  return new Tensor(conv2dWeightGradOp, [input, gradient], { ...window(attributes), shape });
}
