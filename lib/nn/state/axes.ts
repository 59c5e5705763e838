import type { TypedArray } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shapes.js';
import { gather, rowMajorStrides } from '../../io/strided.js';
import { bytesOf } from '../../io/tensor-bytes.js';

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
