import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import type { OpRecord } from '../../graph/op.js';
import { Tensor } from '../../graph/tensor.js';
import { cast } from './elementwise.js';
import { alongAxis } from './movement.js';
import { dimsAround } from './reduce.js';

export interface CumSumAttributes {
  readonly axis: number;
  readonly reverse: boolean;
}

/** Running sums along an axis, from either end. */
export const cumSumOp: OpRecord<CumSumAttributes> = {
  kind: 'cumSum',
  type: ([x]) => x as Tensor,
  grad: (gradient, node) => {
    const { axis, reverse } = node.attributes;
    return [new Tensor(cumSumOp, [gradient], { axis, reverse: !reverse })];
  },
  kernel: {
    family: 'call',
    call: (node) => ({
      kernel: 'cumSum',
      inputs: ['input'],
      attributes: { dims: dimsAround(node, node.attributes.axis), reverse: node.attributes.reverse },
    }),
  },
  cost: (node) => node.size,
};

/** Casts bool and uint8 to int32, which has room for their sums and products. */
export const widened = (x: Tensor): Tensor =>
  x.dtype === 'bool' || x.dtype === 'uint8' ? cast(x, 'int32') : x;

/** Cumulative sums along an axis (the last by default). bool and uint8 sum to int32. */
export const cumSum = checked(
  'cumSum',
  { x: kinds.tensor, axis: optional(kinds.axis) },
  (x: Tensor, axis = -1): Tensor =>
    alongAxis('cumSum', widened(x), axis, (line, over) => {
      return new Tensor(cumSumOp, [line], { axis: over, reverse: false });
    }),
);
