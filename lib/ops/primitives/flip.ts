import { checked } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { inOneList, type OneByOne, oneByOne } from '../../graph/arguments/one-by-one.js';
import { at } from '../../graph/at.js';
import type { OpRecord } from '../../graph/op.js';
import { normaliseAxes } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';

/** Some axes in reverse order. */
export const flipOp: OpRecord<{ readonly axes: readonly number[] }> = {
  kind: 'flip',
  type: ([x]) => x as Tensor,
  grad: (gradient, node) => [new Tensor(flipOp, [gradient], node.attributes)],
  kernel: {
    family: 'view',
    view: ({ offset, shape, strides }, { attributes: { axes } }) => ({
      offset: shape.includes(0)
        ? offset
        : axes.reduce((sum, axis) => sum + (at(shape, axis) - 1) * at(strides, axis), offset),
      shape,
      strides: strides.map((stride, axis) => (axes.includes(axis) ? -stride : stride)),
    }),
  },
  cost: () => 0,
};

/** Reverses the order of the elements along `axes` (all by default). */
export const flip = checked(
  'flip',
  { x: kinds.tensor, axes: oneByOne },
  (x: Tensor, ...given: OneByOne): Tensor => {
    const axes = given.length === 0 ? undefined : inOneList('flip', 'axes', given);
    const over = normaliseAxes('flip', axes, x.ndim);
    return over.length === 0 ? x : new Tensor(flipOp, [x], { axes: over });
  },
);
