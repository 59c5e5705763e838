import { formatShape, requireInteger, requireOptions } from '../errors.js';
import type { OpRecord } from '../op.js';
import { normaliseAxis } from '../shapes.js';
import { Tensor } from '../tensor.js';
import { takeAlong } from './along.js';
import { dimsAround } from './reduce.js';

export interface ArgSortAttributes {
  readonly axis: number;
  readonly descending: boolean;
  /** How many of the sorted indices are kept. */
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

/**
 * The int32 indices that put an axis (the last by default) in order. Equal elements keep their order, and NaN counts as the
 * largest of all, as in PyTorch. No gradient.
 */
export function argSort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  requireOptions('argSort', options);
  const { descending = false } = options;
  const over = normaliseAxis('argSort', axis, x.ndim);
  return new Tensor(argSortOp, [x], { axis: over, descending, count: x.shape[over] as number });
}

/** The elements of an axis (the last by default) in order, as `argSort` puts them. */
export function sort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  requireOptions('sort', options);
  const over = normaliseAxis('sort', axis, x.ndim);
  return takeAlong(x, argSort(x, over, options), over);
}

export interface TopKOptions {
  /** The largest elements, or else the smallest. Default true. */
  readonly largest?: boolean;
}

/** Elements of an axis, and where they stand on it. */
export interface Ranked {
  readonly values: Tensor;
  /** int32, of the shape of `values`. */
  readonly indices: Tensor;
}

/**
 * The `k` largest elements of an axis (the last by default), largest first, or the smallest, smallest first. Of equal
 * elements the first ones are taken.
 */
export function topK(x: Tensor, k: number, axis = -1, options: TopKOptions = {}): Ranked {
  requireOptions('topK', options);
  const { largest = true } = options;
  const over = normaliseAxis('topK', axis, x.ndim);
  requireInteger('topK', `k of ${formatShape(x.shape)}`, k, { min: 0, max: x.shape[over] as number });
  const indices = new Tensor(argSortOp, [x], { axis: over, descending: largest, count: k });
  return { values: takeAlong(x, indices, over), indices };
}
