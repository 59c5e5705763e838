import { withPackedWeight } from '../../../compile/rewrite/pack-weights.js';
import { input } from '../../../graph/leaf.js';
import { Tensor } from '../../../graph/tensor.js';
import { conv2d, matmul, vjp, zeros } from '../../../index.js';
import { nativeKernels } from '../../../runtime/native-kernels.js';
import type { KernelCase } from '../kernel-case.js';
import { by, floats } from './build.js';

/** Weights of ResNet-18 as a snapshot for inference packs them, of square images of this side. */
const CONVOLUTIONS = [
  { side: 4, channels: 512 },
  { side: 32, channels: 256 },
] as const;

/** The packing of the weights of convolutions of 3x3, and of their input gradients. */
const convolutions: readonly KernelCase[] = CONVOLUTIONS.flatMap(({ side, channels }) => {
  const image = zeros([1, side, side, channels]);
  const convolution = (weight: Tensor) => conv2d(image, weight, { padding: 1 });
  const gradient = (weight: Tensor) => vjp([convolution(weight)], [image], [image])[0] as Tensor;
  const name = `${channels} channels, ${side}x${side}`;
  const weights = [3, 3, channels, channels];
  return [
    packingCase(`3x3 ${name}`, weights, convolution),
    packingCase(`3x3 ${name}, input gradient`, weights, gradient),
  ];
});

const ROWS = [1, 2, 3, 4, 8, 16, 17, 32, 128];

/** Weights of linear layers as a snapshot packs them: inner and outer sizes. */
const LAYERS = [
  [784, 512],
  [2048, 2048],
  [128, 384],
  [512, 128],
] as const;

/** The packing of the weights of linear layers, and products with packed weights. */
const layers: readonly KernelCase[] = LAYERS.flatMap(([depth, columns]) => {
  const weight = input('weight', [columns, depth]);
  const product = (rows: number, of: Tensor = weight) =>
    matmul(input('x', [rows, depth]), of, { transposeB: true });
  return [
    {
      family: 'matmul-packing',
      name: by(columns, depth),
      inputs: [floats(columns, depth)],
      flops: 0,
      graph: ([of]) => [packedProduct(product(1, of)).input(1)],
    },
    ...ROWS.map((rows) => packedProductCase(packedProduct(product(rows)), { rows, columns, depth })),
  ];
});

export const packingCases: readonly KernelCase[] = [...convolutions, ...layers];

/** The packing of the weight of a convolution. */
function packingCase(name: string, shape: readonly number[], make: (weight: Tensor) => Tensor): KernelCase {
  return {
    family: 'conv2d-packing',
    name,
    inputs: [floats(...shape)],
    flops: 0,
    graph: ([weight]) => [(withPackedWeight(make(weight as Tensor), nativeKernels) as Tensor).input(1)],
  };
}

/** A product with a weight that was packed before. */
function packedProductCase(
  product: Tensor,
  size: { readonly rows: number; readonly columns: number; readonly depth: number },
): KernelCase {
  const { op, attributes, inputs } = product;
  const { rows, columns, depth } = size;
  const options = { transposeA: false, transposeB: true };
  return {
    family: 'matmul',
    name: `packed ${by(rows, depth, columns)}`,
    inputs: inputs.map(({ shape }) => floats(...shape)),
    flops: 2 * rows * columns * depth,
    graph: (given) => [new Tensor(op, given, attributes)],
    product: { ...size, ...options },
    peer: { op: 'matmul', inputs: [floats(rows, depth), floats(columns, depth)], options },
  };
}

/**
 * A product as it is with a packed weight, also on instruction sets where none is packed, so that a processor's kernels have
 * the same cases. The layers are whole vectors wide, which leaves nothing to pad.
 */
function packedProduct(product: Tensor): Tensor {
  const packing = { elements: product.input(1).size, layout: 'panels' };
  const made = product.op.pack?.(product, packing);
  if (!made) throw new Error('bench kernels: the product packs no weight');
  return made;
}
