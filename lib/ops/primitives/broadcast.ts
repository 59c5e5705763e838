import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { inOneList, type OneByOne, oneByOne } from '../../graph/arguments/one-by-one.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { at } from '../../graph/at.js';
import { formatShape, invalid } from '../../graph/errors.js';
import type { OpRecord } from '../../graph/op.js';
import { normaliseAxes, requireShape, type Shape, sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { reshape } from './movement.js';

// Expanding and summing are each other's gradient, hence in one file.

/** Repeats axes of length 1, and new leading axes, without a copy. */
export const expandOp: OpRecord<{ readonly shape: Shape }> = {
  kind: 'expand',
  type: ([x], { shape }) => ({ shape, dtype: (x as Tensor).dtype }),
  grad: (gradient, node) => [sumTo(gradient, node.input(0).shape)],
  kernel: {
    family: 'view',
    view: ({ offset, shape, strides }, node) => {
      const added = node.shape.length - shape.length;
      const repeated = node.shape.map((dimension, axis) => {
        const source = axis - added;
        return source < 0 || shape[source] !== dimension ? 0 : at(strides, source);
      });
      return { offset, shape: node.shape, strides: repeated };
    },
  },
  shards: (node, { count, stacked }) => {
    const { shape } = node.input(0);
    const added = new Array<number>(node.ndim - shape.length).fill(1);
    return expand(reshape(stacked(0), [count, ...added, ...shape]), [count, ...node.shape]);
  },
  cost: () => 0,
};

/** Broadcasts to a shape (NumPy's rule), as PyTorch's `Tensor.expand`. */
export const expand = checked(
  'expand',
  { x: kinds.tensor, shape: oneByOne },
  (x: Tensor, ...given: OneByOne): Tensor => {
    const shape = requireShape('expand', inOneList('expand', 'shape', given));
    if (sameShape(x.shape, shape)) return x;
    const added = shape.length - x.ndim;
    if (
      added < 0 ||
      x.shape.some((dimension, axis) => dimension !== 1 && dimension !== shape[axis + added])
    ) {
      throw invalid('expand', `cannot broadcast ${formatShape(x.shape)} to ${formatShape(shape)}`);
    }
    return new Tensor(expandOp, [x], { shape });
  },
);

export interface ReduceAttributes {
  readonly axes: readonly number[];
}

/** The type of the result of a reduction, which drops the axes. */
export function reducedType([x]: readonly Tensor[], { axes }: ReduceAttributes) {
  const { shape, dtype } = x as Tensor;
  return { shape: shape.filter((_, axis) => !axes.includes(axis)), dtype };
}

/** The shape of `x` with the given axes set to 1, which broadcasts against `x`. */
export function keptShape(x: Tensor, axes: readonly number[]): Shape {
  return x.shape.map((dimension, axis) => (axes.includes(axis) ? 1 : dimension));
}

/** The sum over some axes. */
export const sumOp: OpRecord<ReduceAttributes> = {
  kind: 'sum',
  type: (inputs, attributes) => {
    const { shape, dtype } = reducedType(inputs, attributes);
    return { shape, dtype: dtype === 'bool' || dtype === 'uint8' ? 'int32' : dtype };
  },
  grad: (gradient, node) => {
    const x = node.input(0);
    return [expand(reshape(gradient, keptShape(x, node.attributes.axes)), x.shape)];
  },
  kernel: { family: 'reduce', code: 'sum', axes: ({ axes }) => axes },
  cost: (node) => node.input(0).size,
};

/** Options of a reduction. */
export interface ReduceOptions {
  /** Keep the reduced axes, with length 1. Default false. */
  readonly keepDims?: boolean;
}

/** The kinds of `ReduceOptions`. */
export const reduceOptions = optionsOf<ReduceOptions>({ keepDims: kinds.boolean });

/** Sums over `axes` (all of them by default). bool and uint8 sum to int32. An int32 holds the lowest 32 bits of the sum. */
export const sum = checked(
  'sum',
  { x: kinds.tensor, axes: optional(kinds.axes), options: optional(reduceOptions) },
  (x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor =>
    reduceWith(sumOp, 'sum', x, axes, options),
);

/** Applies a reduction record over normalised axes. */
export function reduceWith(
  op: OpRecord<ReduceAttributes>,
  name: string,
  x: Tensor,
  axes: number | readonly number[] | undefined,
  options: ReduceOptions,
): Tensor {
  const { keepDims = false } = options;
  const over = normaliseAxes(name, axes, x.ndim);
  const reduced = over.length === 0 ? x : new Tensor(op, [x], { axes: over });
  return keepDims ? reshape(reduced, keptShape(x, over)) : reduced;
}

/** Undoes a broadcast: sums over the axes that `shape` lacks or has with length 1. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  const added = x.ndim - shape.length;
  const axes = x.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < added || (shape[axis - added] === 1 && x.shape[axis] !== 1));
  return reshape(axes.length === 0 ? x : sum(x, axes), shape);
}
