import { checked } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { isFloat } from '../../graph/dtype.js';
import { formatShape, invalid } from '../../graph/errors.js';
import type { OpRecord } from '../../graph/op.js';
import { sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { add, cast } from './elementwise.js';

export interface Named {
  /** The op that run-time errors name. */
  readonly name: string;
}

/** Rows of a table, picked by index. */
export const gatherOp: OpRecord<Named> = {
  kind: 'gather',
  type: (inputs) => {
    const [table, indices] = inputs as [Tensor, Tensor];
    return { shape: [...indices.shape, ...table.shape.slice(1)], dtype: table.dtype };
  },
  grad: (gradient, node) => [
    new Tensor(scatterAddOp, [node.input(1), gradient], {
      name: node.attributes.name,
      rows: at(node.input(0).shape, 0),
    }),
    null,
  ],
  kernel: {
    family: 'call',
    call: ({ attributes: { name } }) => ({
      kernel: 'gather',
      inputs: ['table', 'indices'],
      attributes: { name },
      canFail: true,
    }),
  },
  shards: (node, { common, stacked }) => {
    const table = common(0);
    return table && new Tensor(gatherOp, [table, stacked(1)], node.attributes);
  },
  cost: () => 0,
};

/** Adds rows into a table of zeros, in the order of the indices. */
export const scatterAddOp: OpRecord<Named & { readonly rows: number }> = {
  kind: 'scatterAdd',
  type: (inputs, { rows }) => {
    const [indices, updates] = inputs as [Tensor, Tensor];
    return { shape: [rows, ...updates.shape.slice(indices.ndim)], dtype: updates.dtype };
  },
  grad: (gradient, node) => [
    null,
    new Tensor(gatherOp, [gradient, node.input(0)], { name: node.attributes.name }),
  ],
  kernel: {
    family: 'call',
    call: ({ attributes: { name } }) => ({
      kernel: 'scatterAdd',
      inputs: ['indices', 'updates'],
      attributes: { name },
      canFail: true,
    }),
  },
  cost: (node) => node.input(1).size,
};

/** Checks that indices are int32 or uint8, and converts them to int32, which the kernels read. */
export function requireIndices(op: string, indices: Tensor): Tensor {
  if (indices.dtype !== 'int32' && indices.dtype !== 'uint8') {
    throw invalid(op, 'indices must be int32 or uint8', indices.dtype);
  }
  return cast(indices, 'int32');
}

/**
 * The rows of `table` at `indices`: an embedding look-up. An index outside of the table is an error at run time.
 *
 * @param table [V, ...row], float32 or float64
 * @param indices any shape, int32 or uint8
 * @returns [...indices.shape, ...row]
 */
export const gather = checked(
  'gather',
  { table: kinds.tensor, indices: kinds.tensor },
  (table: Tensor, indices: Tensor): Tensor => {
    if (table.ndim === 0) throw invalid('gather', 'the table must have at least one axis', table.shape);
    if (!isFloat(table.dtype)) throw invalid('gather', 'the table must be float32 or float64', table.dtype);
    return new Tensor(gatherOp, [table, requireIndices('gather', indices)], { name: 'gather' });
  },
);

/**
 * `target` with each row of `updates` added to the row at its index; an index may occur more than once. An index
 * outside of the target is an error at run time.
 *
 * @param target [V, ...row], float32 or float64
 * @param indices any shape, int32 or uint8
 * @param updates [...indices.shape, ...row], of the target's dtype
 */
export const scatterAdd = checked(
  'scatterAdd',
  { target: kinds.tensor, indices: kinds.tensor, updates: kinds.tensor },
  (target: Tensor, indices: Tensor, updates: Tensor): Tensor => {
    const [rows] = target.shape;
    if (rows === undefined)
      throw invalid('scatterAdd', 'the target must have at least one axis', target.shape);
    if (!isFloat(target.dtype)) {
      throw invalid('scatterAdd', 'the target must be float32 or float64', target.dtype);
    }
    const shape = [...indices.shape, ...target.shape.slice(1)];
    if (!sameShape(updates.shape, shape) || updates.dtype !== target.dtype) {
      const wanted = `updates must be ${target.dtype} of shape ${formatShape(shape)}`;
      throw invalid('scatterAdd', wanted, `${updates.dtype} of ${formatShape(updates.shape)}`);
    }
    const name = 'scatterAdd';
    const places = requireIndices(name, indices);
    return add(target, new Tensor(scatterAddOp, [places, updates], { name, rows }));
  },
);

/** Passes integers through, and stops the run with an error if one is not from `low` to `high - 1`. */
export const checkRangeOp: OpRecord<Named & { readonly low: number; readonly high: number }> = {
  kind: 'checkRange',
  type: ([x]) => ({ shape: (x as Tensor).shape, dtype: 'int32' }),
  grad: null,
  kernel: {
    family: 'call',
    call: ({ attributes }) => ({
      kernel: 'checkRange',
      inputs: ['input'],
      attributes: { ...attributes },
      canFail: true,
    }),
  },
  shards: (node, { stacked }) => new Tensor(checkRangeOp, [stacked(0)], node.attributes),
  cost: () => 0,
};

/** Integers that are checked at run time: they must be from `low` to `high - 1`. */
export function checkRange(op: string, x: Tensor, low: number, high: number): Tensor {
  return new Tensor(checkRangeOp, [requireIndices(op, x)], { name: op, low, high });
}

/** Class labels that are checked at run time: they must be from 0 to `classes - 1`. */
export function checkLabels(op: string, labels: Tensor, classes: number): Tensor {
  return checkRange(op, labels, 0, classes);
}
