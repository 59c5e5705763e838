import { isFloat } from '../dtype.js';
import { invalid } from '../errors.js';
import type { OpRecord } from '../op.js';
import { normaliseAxes, normaliseAxis, sizeOf } from '../shapes.js';
import { Tensor } from '../tensor.js';
import { expand, keptShape, type ReduceOptions, reducedType, reduceWith, sum } from './broadcast.js';
import { cast, div, eq, mul } from './elementwise.js';
import { reshape } from './movement.js';

/** The largest element over some axes. Equal maxima share the gradient evenly, as `torch.amax`. */
export const maxOp: OpRecord<{ readonly axes: readonly number[] }> = {
  kind: 'max',
  type: (inputs, attributes) => {
    const [x] = inputs as [Tensor];
    if (attributes.axes.some((axis) => x.shape[axis] === 0)) {
      throw invalid('max', 'needs at least one element on each reduced axis', x.shape);
    }
    return reducedType(inputs, attributes);
  },
  grad: (gradient, node) => {
    const x = node.input(0);
    const { axes } = node.attributes;
    const kept = keptShape(x, axes);
    const isMax = cast(eq(x, expand(reshape(node, kept), x.shape)), x.dtype);
    const share = div(reshape(gradient, kept), sum(isMax, axes, { keepDims: true }));
    return [mul(isMax, share)];
  },
  kernel: { family: 'reduce', code: 'max', axes: ({ axes }) => axes },
  cost: (node) => node.input(0).size,
};

/** The largest element over `axes` (all by default); NaN if there is one. */
export function max(
  x: Tensor,
  axes?: number | readonly number[],
  { keepDims = false }: ReduceOptions = {},
): Tensor {
  return reduceWith(maxOp, 'max', x, axes, keepDims);
}

/** The mean over `axes` (all by default); floats only. */
export function mean(x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor {
  if (!isFloat(x.dtype)) throw invalid('mean', 'needs float32 or float64; cast it first', x.dtype);
  const over = normaliseAxes('mean', axes, x.ndim);
  const count = sizeOf(over.map((axis) => x.shape[axis] as number));
  if (count === 0) throw invalid('mean', 'needs at least one element', x.shape);
  return mul(sum(x, over, options), 1 / count);
}

/** The index of the first maximum on an axis. */
export const argMaxOp: OpRecord<{ readonly axis: number }> = {
  kind: 'argMax',
  type: ([x], { axis }) => {
    const { shape } = x as Tensor;
    if (shape[axis] === 0) throw invalid('argMax', 'needs at least one element on the axis', shape);
    return { shape: shape.filter((_, i) => i !== axis), dtype: 'int32' };
  },
  grad: null,
  kernel: {
    family: 'call',
    call: (node) => {
      const { shape } = node.input(0);
      const { axis } = node.attributes;
      const dims = [sizeOf(shape.slice(0, axis)), shape[axis] as number, sizeOf(shape.slice(axis + 1))];
      return { kernel: 'argMax', inputs: ['input'], attributes: { dims } };
    },
  },
  cost: (node) => node.input(0).size,
};

/** The int32 index of the first maximum on an axis; the last by default. Floats only; no gradient. */
export function argMax(x: Tensor, axis = -1): Tensor {
  return new Tensor(argMaxOp, [x], { axis: normaliseAxis('argMax', axis, x.ndim) });
}
