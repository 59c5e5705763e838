import type { DType, TypedArray } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shapes.js';
import type { FileTensor } from '../../io/file-dtypes.js';
import { gather, rowMajorStrides } from '../../io/strided.js';
import { bytesOf } from '../../io/tensor-bytes.js';
import { convert } from './conversion.js';

/** The order of a tensor's axes in another framework: our axis `i` is axis `axes[i]` there. */
export type Axes = readonly number[];

/** The shape that a tensor of ours has there. */
export function shapeThere(shape: Shape, axes: Axes | undefined): Shape {
  return axes ? inverse(axes).map((axis) => shape[axis] as number) : shape;
}

/** The order that leads back. */
export function inverse(axes: Axes): Axes {
  return axes.map((_, i) => axes.indexOf(i));
}

/**
 * Copies a tensor with its axes in another order: axis `i` of the target is axis `axes[i]` of the source.
 *
 * @param shape of the source
 */
export function permute(source: TypedArray, shape: Shape, axes: Axes, target: TypedArray): void {
  const strides = rowMajorStrides(shape);
  gather(bytesOf(source), bytesOf(target), {
    width: source.BYTES_PER_ELEMENT,
    shape: axes.map((axis) => shape[axis] as number),
    strides: axes.map((axis) => strides[axis] as number),
    offset: 0,
  });
}

/**
 * Copies the elements of a tensor of a state into memory of another dtype, and with the axes in another order.
 *
 * @param name of the tensor, for errors
 * @throws if an integer does not fit
 */
export function transfer(
  name: string,
  { dtype, shape, data }: FileTensor,
  target: { readonly dtype: DType; readonly data: TypedArray },
  axes: Axes | undefined,
): void {
  const values = dtype === target.dtype ? (data as TypedArray) : convert(name, data, target.dtype);
  if (axes) permute(values, shape, axes, target.data);
  else target.data.set(values);
}
