import type { TypedArray } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shapes.js';

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
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const sizes = axes.map((axis) => shape[axis] as number);
  const steps = axes.map((axis) => strides[axis] as number);
  const last = sizes.length - 1;
  const [width = 1, step = 0] = [sizes[last], steps[last]];
  const at = sizes.map(() => 0);
  let from = 0;
  for (let to = 0; to < target.length; ) {
    for (let i = 0; i < width; i++) target[to++] = source[from + i * step] as number;
    // The next row: counts up the axes before the last one, as an odometer.
    for (let axis = last - 1; axis >= 0; axis--) {
      from += steps[axis] as number;
      at[axis] = (at[axis] as number) + 1;
      if ((at[axis] as number) < (sizes[axis] as number)) break;
      from -= (steps[axis] as number) * (sizes[axis] as number);
      at[axis] = 0;
    }
  }
}
