import { allocate } from '../../graph/dtype.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { constant } from '../../graph/leaf.js';
import { type Shape, sizeOf } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import type { InitContext } from './initializer.js';

/** A weight viewed as a matrix with one row for each output. */
export interface WeightMatrix {
  readonly rows: number;
  readonly columns: number;
  /** Offset of an element in the weight's memory. */
  place(row: number, column: number): number;
}

/**
 * Views linear weights [out, in] as they are, and convolution kernels [..., C, O] with a row for each of the O
 * outputs, as PyTorch flattens its [O, C, ...].
 *
 * @throws if the shape has fewer than two axes
 */
export function asMatrix(op: string, shape: Shape): WeightMatrix {
  if (shape.length < 2) throw invalid(op, 'the shape must have at least two axes', formatShape(shape));
  const rows = (shape.length === 2 ? shape[0] : shape.at(-1)) as number;
  const columns = sizeOf(shape) / rows;
  const place =
    shape.length === 2
      ? (row: number, column: number) => row * columns + column
      : (row: number, column: number) => column * rows + row;
  return { rows, columns, place };
}

/** A constant of the context's dtype, filled by `write`. */
export function written(
  shape: Shape,
  { dtype }: InitContext,
  write: (data: { [at: number]: number }) => void,
): Tensor {
  const data = allocate(dtype, sizeOf(shape));
  write(data);
  return constant(data, shape, dtype);
}
