import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { at } from '../../graph/at.js';
import type { OpRecord } from '../../graph/op.js';
import { Tensor } from '../../graph/tensor.js';
import { alongAxis } from './movement.js';
import { dimsAround } from './reduce.js';

export interface ArgSortAttributes {
  readonly axis: number;
  readonly descending: boolean;
  /** Number of sorted indices to keep. */
  readonly count: number;
}

/** The indices that sort an axis, or the first of them. */
export const argSortOp: OpRecord<ArgSortAttributes> = {
  kind: 'argSort',
  type: ([x], { axis, count }) => ({ shape: (x as Tensor).shape.with(axis, count), dtype: 'int32' }),
  grad: null,
  kernel: {
    family: 'call',
    call: (node) => {
      const { axis, descending, count } = node.attributes;
      const dims = dimsAround(node.input(0), axis);
      return { kernel: 'argSort', inputs: ['input'], attributes: { dims, descending, count } };
    },
  },
  cost: (node) => node.input(0).size * Math.ceil(Math.log2(node.input(0).size + 1)),
};

export interface SortOptions {
  /** Largest first. Default false. */
  readonly descending?: boolean;
}

/** The kinds of `SortOptions`. */
export const sortOptions = optionsOf<SortOptions>({ descending: kinds.boolean });

/**
 * The int32 indices that sort an axis (the last by default). The sort is stable, and NaN counts as the largest value,
 * as in PyTorch. No gradient.
 */
export const argSort = checked(
  'argSort',
  { x: kinds.tensor, axis: optional(kinds.axis), options: optional(sortOptions) },
  (x: Tensor, axis = -1, options: SortOptions = {}): Tensor => {
    const { descending = false } = options;
    return alongAxis('argSort', x, axis, (line, over) => {
      return new Tensor(argSortOp, [line], { axis: over, descending, count: at(line.shape, over) });
    });
  },
);
