import { withPackedWeight } from '../../../compile/rewrite/pack-weights.js';
import { conv2d, type Tensor, vjp, zeros } from '../../../index.js';
import { nativeKernels } from '../../../runtime/native-kernels.js';
import type { KernelCase } from '../kernel-case.js';
import { floats } from './build.js';

/** Weights of ResNet-18 as a snapshot for inference packs them, of square images of this side. */
const SPECS = [
  { side: 4, channels: 512 },
  { side: 32, channels: 256 },
] as const;

/** The packing of the weights of convolutions of 3x3, and of their input gradients. */
export const convPackingCases: readonly KernelCase[] = SPECS.flatMap(({ side, channels }) => {
  const image = zeros([1, side, side, channels]);
  const convolution = (weight: Tensor) => conv2d(image, weight, { padding: 1 });
  const gradient = (weight: Tensor) => vjp([convolution(weight)], [image], [image])[0] as Tensor;
  return [
    caseOf(`3x3 ${channels} channels, ${side}x${side}`, channels, convolution),
    caseOf(`3x3 ${channels} channels, ${side}x${side}, input gradient`, channels, gradient),
  ];
});

function caseOf(name: string, channels: number, make: (weight: Tensor) => Tensor): KernelCase {
  return {
    family: 'conv2d-packing',
    name,
    inputs: [floats(3, 3, channels, channels)],
    flops: 0,
    graph: ([weight]) => [(withPackedWeight(make(weight as Tensor), nativeKernels) as Tensor).input(1)],
  };
}
