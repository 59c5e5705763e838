import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { invalid } from '../../graph/errors.js';
import type { OpRecord } from '../../graph/op.js';
import { sizeOf } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import {
  expand,
  keptShape,
  type ReduceAttributes,
  type ReduceOptions,
  reducedType,
  reduceOptions,
  reduceWith,
  sum,
} from './broadcast.js';
import { cast, div, eq, mul } from './elementwise.js';
import { alongAxis, reshape } from './movement.js';

/** The axes of a reduction: one, several, or all by default. */
export type Axes = number | readonly number[];

/** The record of a reduction to the largest or smallest element. Ties share the gradient evenly, as `torch.amax`. */
function extremeOp(code: 'max' | 'min'): OpRecord<ReduceAttributes> {
  return {
    kind: code,
    type: (inputs, attributes) => {
      const [x] = inputs as [Tensor];
      if (attributes.axes.some((axis) => x.shape[axis] === 0)) {
        throw invalid(code, 'needs at least one element on each reduced axis', x.shape);
      }
      return reducedType(inputs, attributes);
    },
    grad: (gradient, node) => {
      const x = node.input(0);
      const { axes } = node.attributes;
      const kept = keptShape(x, axes);
      const chosen = cast(eq(x, expand(reshape(node, kept), x.shape)), x.dtype);
      const share = div(reshape(gradient, kept), sum(chosen, axes, { keepDims: true }));
      return [mul(chosen, share)];
    },
    kernel: { family: 'reduce', code, axes: ({ axes }) => axes },
    cost: (node) => node.input(0).size,
  };
}

/** The largest element over some axes. */
export const maxOp = extremeOp('max');
/** The smallest element over some axes. */
export const minOp = extremeOp('min');

/** The largest element over `axes` (all by default); NaN if any element is. */
export const max = checked(
  'max',
  { x: kinds.tensor, axes: optional(kinds.axes), options: optional(reduceOptions) },
  (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor => reduceWith(maxOp, 'max', x, axes, options),
);

/** The smallest element over `axes` (all by default); NaN if any element is. */
export const min = checked(
  'min',
  { x: kinds.tensor, axes: optional(kinds.axes), options: optional(reduceOptions) },
  (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor => reduceWith(minOp, 'min', x, axes, options),
);

/** The numbers of elements before, along and after an axis. */
export function dimsAround({ shape }: Tensor, axis: number): [number, number, number] {
  return [sizeOf(shape.slice(0, axis)), at(shape, axis), sizeOf(shape.slice(axis + 1))];
}

/** The record of the index of an extreme element. */
function argOp(kind: 'argMax' | 'argMin'): OpRecord<{ readonly axis: number }> {
  return {
    kind,
    type: ([x], { axis }) => {
      const { shape } = x as Tensor;
      if (shape[axis] === 0) throw invalid(kind, 'needs at least one element on the axis', shape);
      return { shape: shape.filter((_, i) => i !== axis), dtype: 'int32' };
    },
    grad: null,
    kernel: {
      family: 'call',
      call: (node) => ({
        kernel: 'argMax',
        inputs: ['input'],
        attributes: { dims: dimsAround(node.input(0), node.attributes.axis), least: kind === 'argMin' },
      }),
    },
    cost: (node) => node.input(0).size,
  };
}

/** The index of the first maximum on an axis. */
export const argMaxOp = argOp('argMax');
/** The index of the first minimum on an axis. */
export const argMinOp = argOp('argMin');

/** The int32 index of the first maximum on an axis (the last by default). NaN counts as the maximum. No gradient. */
export const argMax = checked(
  'argMax',
  { x: kinds.tensor, axis: optional(kinds.axis) },
  (x: Tensor, axis = -1): Tensor =>
    alongAxis('argMax', x, axis, (line, over) => new Tensor(argMaxOp, [line], { axis: over })),
);

/** The int32 index of the first minimum on an axis (the last by default). NaN counts as the minimum. No gradient. */
export const argMin = checked(
  'argMin',
  { x: kinds.tensor, axis: optional(kinds.axis) },
  (x: Tensor, axis = -1): Tensor =>
    alongAxis('argMin', x, axis, (line, over) => new Tensor(argMinOp, [line], { axis: over })),
);
