import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { isFloat } from '../../graph/dtype.js';
import { formatShape, invalid } from '../../graph/errors.js';
import type { OpRecord } from '../../graph/op.js';
import { broadcastShapes, normaliseAxis, type Shape, sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { expand } from './broadcast.js';
import { add } from './elementwise.js';
import { type Named, requireIndices } from './gather.js';
import { alongAxis, reshape } from './movement.js';
import { dimsAround } from './reduce.js';

export interface AlongAttributes extends Named {
  readonly axis: number;
}

// Taking and adding along an axis are each other's gradient, hence in one file.

/** Elements of a table, each at its own index on one axis; on the other axes both sides agree. */
export const takeAlongOp: OpRecord<AlongAttributes> = {
  kind: 'takeAlong',
  type: ([x, indices]) => ({ shape: (indices as Tensor).shape, dtype: (x as Tensor).dtype }),
  grad: (gradient, node) => {
    const { name, axis } = node.attributes;
    const length = at(node.input(0).shape, axis);
    return [new Tensor(scatterAddAlongOp, [node.input(1), gradient], { name, axis, length }), null];
  },
  kernel: {
    family: 'call',
    call: (node) => ({
      kernel: 'takeAlong',
      inputs: ['table', 'indices'],
      attributes: along(node.input(0), node, node.attributes),
      canFail: true,
    }),
  },
  cost: () => 0,
};

/** Adds elements into zeros, each at its own index on one axis, in the order of the elements. */
export const scatterAddAlongOp: OpRecord<AlongAttributes & { readonly length: number }> = {
  kind: 'scatterAddAlong',
  type: ([indices, updates], { axis, length }) => ({
    shape: (indices as Tensor).shape.with(axis, length),
    dtype: (updates as Tensor).dtype,
  }),
  grad: (gradient, node) => {
    const { name, axis } = node.attributes;
    return [null, new Tensor(takeAlongOp, [gradient, node.input(0)], { name, axis })];
  },
  kernel: {
    family: 'call',
    call: (node) => ({
      kernel: 'scatterAddAlong',
      inputs: ['indices', 'updates'],
      attributes: along(node, node.input(0), node.attributes),
      canFail: true,
    }),
  },
  cost: (node) => node.input(1).size,
};

function along(table: Tensor, entries: Tensor, { name, axis }: AlongAttributes) {
  return { name, dims: dimsAround(table, axis), count: at(entries.shape, axis) };
}

/** The shapes of both sides, with all axes but one broadcast. */
function matched(op: string, x: Shape, indices: Shape, axis: number): [Shape, Shape] {
  if (x.length !== indices.length) {
    throw invalid(op, `indices must have ${x.length} axes, as many as the tensor`, formatShape(indices));
  }
  const common = broadcastShapes(op, x.with(axis, 1), indices.with(axis, 1));
  return [common.with(axis, at(x, axis)), common.with(axis, at(indices, axis))];
}

/**
 * For each index, the element of `x` at that index of the axis and at the same place on the others, as `torch.gather`
 * and NumPy's `take_along_axis`. The other axes broadcast. An index outside of the axis is an error at run time.
 *
 * @param x any dtype
 * @param indices int32 or uint8, with as many axes as `x`
 * @param axis the last by default
 * @returns the shape of `indices`, the other axes broadcast with those of `x`
 */
export const takeAlong = checked(
  'takeAlong',
  { x: kinds.tensor, indices: kinds.tensor, axis: optional(kinds.axis) },
  (x: Tensor, indices: Tensor, axis = -1): Tensor => {
    if (x.ndim === 0 && indices.ndim === 0) {
      return alongAxis('takeAlong', x, axis, (line) => takeAlong(line, reshape(indices, [1])));
    }
    const over = normaliseAxis('takeAlong', axis, x.ndim);
    const [from, to] = matched('takeAlong', x.shape, indices.shape, over);
    const places = expand(requireIndices('takeAlong', indices), to);
    return new Tensor(takeAlongOp, [expand(x, from), places], { name: 'takeAlong', axis: over });
  },
);

/**
 * `target` with each of `updates` added at its index of the axis, as `torch.scatter_add`; an index may occur more than
 * once. An index outside of the axis is an error at run time.
 *
 * @param target float32 or float64
 * @param indices int32 or uint8, of the target's shape except on the axis
 * @param updates the shape of `indices` and the dtype of `target`
 * @param axis the last by default
 */
export const scatterAddAlong = checked(
  'scatterAddAlong',
  { target: kinds.tensor, indices: kinds.tensor, updates: kinds.tensor, axis: optional(kinds.axis) },
  (target: Tensor, indices: Tensor, updates: Tensor, axis = -1): Tensor => {
    const name = 'scatterAddAlong';
    if (target.ndim === 0 && indices.ndim === 0 && updates.ndim === 0) {
      return alongAxis(name, target, axis, (line) => {
        return scatterAddAlong(line, reshape(indices, [1]), reshape(updates, [1]));
      });
    }
    const over = normaliseAxis(name, axis, target.ndim);
    if (!isFloat(target.dtype)) throw invalid(name, 'the target must be float32 or float64', target.dtype);
    const length = at(target.shape, over);
    if (indices.ndim !== target.ndim || !sameShape(indices.shape.with(over, length), target.shape)) {
      const shapes = `${formatShape(indices.shape)} for a target of ${formatShape(target.shape)}`;
      throw invalid(name, `indices must have the target's shape but for axis ${axis}, got ${shapes}`);
    }
    if (!sameShape(updates.shape, indices.shape) || updates.dtype !== target.dtype) {
      const wanted = `updates must be ${target.dtype} of shape ${formatShape(indices.shape)}`;
      throw invalid(name, wanted, `${updates.dtype} of ${formatShape(updates.shape)}`);
    }
    const places = requireIndices(name, indices);
    return add(target, new Tensor(scatterAddAlongOp, [places, updates], { name, axis: over, length }));
  },
);
