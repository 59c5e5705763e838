import { at } from '../../graph/at.js';
import type { Lowering } from '../../graph/op.js';
import { type Shape, sizeOf } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';

/** Maximum number of instructions of a program; with more, its block registers overflow the L1 cache. */
export const MOST_INSTRUCTIONS = 48;

export type ComputeType = 'float32' | 'float64';

/** The type in which the vector machine computes a node. Integers and bools are exact in float64. */
export function computeType(node: Tensor): ComputeType {
  const arithmetic = node.dtype === 'bool' ? (node.inputs[0]?.dtype ?? 'bool') : node.dtype;
  return arithmetic === 'float32' ? 'float32' : 'float64';
}

/** The iteration shape of a step that contains the node. */
export function stepShape(node: Tensor): Shape {
  return isReduceNode(node) ? node.input(0).shape : node.shape;
}

type ReduceKernel = Extract<Lowering<unknown>, { family: 'reduce' }>;

export type ReduceNode = Tensor & { readonly op: { readonly kernel: ReduceKernel } };

export function isReduceNode(node: Tensor): node is ReduceNode {
  return node.op.kernel.family === 'reduce';
}

/** The input of a reduction as [A, R, B]: sizes before, along and after the reduced axes. */
export function reducedDims(node: ReduceNode): [number, number, number] {
  const { shape } = node.input(0);
  const axes = node.op.kernel.axes(node.attributes);
  const [first, last] = [at(axes, 0), at(axes, axes.length - 1)];
  return [sizeOf(shape.slice(0, first)), sizeOf(shape.slice(first, last + 1)), sizeOf(shape.slice(last + 1))];
}
