import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { ones } from '../../graph/leaf.js';
import { normaliseAxes, sizeOf } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { keptShape, type ReduceOptions, reduceOptions } from '../primitives/broadcast.js';
import { widened } from '../primitives/cumulative.js';
import { mul } from '../primitives/elementwise.js';
import { permute, reshape, sliceAxis } from '../primitives/movement.js';
import type { Axes } from '../primitives/reduce.js';

/**
 * The product over `axes` (all by default). bool and uint8 multiply to int32. Halves are multiplied with each other
 * until one element is left, so that the gradient is right where elements are 0.
 */
export const prod = checked(
  'prod',
  { x: kinds.tensor, axes: optional(kinds.axes), options: optional(reduceOptions) },
  (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor => {
    const { keepDims = false } = options;
    const over = normaliseAxes('prod', axes, x.ndim);
    const rest = x.shape.map((_, axis) => axis).filter((axis) => !over.includes(axis));
    const shape = rest.map((axis) => at(x.shape, axis));
    const length = sizeOf(over.map((axis) => at(x.shape, axis)));
    // Adjacent axes stay where they are; others are moved to the front.
    const first = over[0] ?? 0;
    const together = over.every((axis, i) => axis === first + i);
    const place = together ? first : 0;
    const turned = together ? widened(x) : permute(widened(x), [...over, ...rest]);
    const line = reshape(turned, shape.toSpliced(place, 0, length));
    const result = length === 0 ? ones(shape, line.dtype) : reshape(multiplyHalves(line, place), shape);
    return keepDims ? reshape(result, keptShape(x, over)) : result;
  },
);

function multiplyHalves(x: Tensor, axis: number): Tensor {
  const length = at(x.shape, axis);
  if (length === 1) return x;
  const half = Math.floor(length / 2);
  const halves = mul(sliceAxis(x, axis, 0, half), sliceAxis(x, axis, half, 2 * half));
  const product = multiplyHalves(halves, axis);
  return length % 2 === 0 ? product : mul(product, sliceAxis(x, axis, 2 * half, length));
}
