import { at } from '../../graph/at.js';
import { constant } from '../../graph/leaf.js';
import { sizeOf } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { matmul } from '../primitives/matmul.js';
import { reshape } from '../primitives/movement.js';

/** For each result on an axis, the elements that it sums and their weights. */
export type Stencils = readonly (readonly (readonly [element: number, weight: number])[])[];

/** Replaces the elements on an axis by weighted sums of them: a product with a small constant matrix. */
export function resample(x: Tensor, axis: number, stencils: Stencils): Tensor {
  const length = at(x.shape, axis);
  const matrix =
    x.dtype === 'float64'
      ? new Float64Array(stencils.length * length)
      : new Float32Array(stencils.length * length);
  stencils.forEach((stencil, row) => {
    for (const [element, weight] of stencil) {
      const place = row * length + element;
      matrix[place] = (matrix[place] as number) + weight;
    }
  });
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
  const columns = reshape(x, [sizeOf(before), length, sizeOf(after)]);
  const sums = matmul(constant(matrix, [stencils.length, length], x.dtype), columns);
  return reshape(sums, [...before, stencils.length, ...after]);
}
