import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { at } from '../../graph/at.js';
import { formatShape, requireInteger } from '../../graph/errors.js';
import { normaliseAxis } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { takeAlong } from '../primitives/along.js';
import { alongAxis } from '../primitives/movement.js';
import { argSort, argSortOp, type SortOptions, sortOptions } from '../primitives/sort.js';

/** The elements of an axis (the last by default), sorted in the order of `argSort`. */
export const sort = checked(
  'sort',
  { x: kinds.tensor, axis: optional(kinds.axis), options: optional(sortOptions) },
  (x: Tensor, axis = -1, options: SortOptions = {}): Tensor => {
    return alongAxis('sort', x, axis, (line, over) => takeAlong(line, argSort(line, over, options), over));
  },
);

export interface TopKOptions {
  /** Takes the largest elements; otherwise the smallest. Default true. */
  readonly largest?: boolean;
}

const topKOptions = optionsOf<TopKOptions>({ largest: kinds.boolean });

/** Elements of an axis, and their indices on it. */
export interface Ranked {
  readonly values: Tensor;
  /** int32, of the shape of `values`. */
  readonly indices: Tensor;
}

/**
 * The `k` largest elements of an axis (the last by default), largest first, or the smallest, smallest first. Among
 * equal elements, the first ones are taken.
 */
export const topK = checked(
  'topK',
  { x: kinds.tensor, k: kinds.axis, axis: optional(kinds.axis), options: optional(topKOptions) },
  (x: Tensor, k: number, axis = -1, options: TopKOptions = {}): Ranked => {
    const { largest = true } = options;
    const count = requireInteger('topK', `k of ${formatShape(x.shape)}`, k, {
      min: x.ndim === 0 ? 1 : 0,
      max: x.ndim === 0 ? 1 : at(x.shape, normaliseAxis('topK', axis, x.ndim)),
    });
    const indices = alongAxis('topK', x, axis, (line, over) => {
      return new Tensor(argSortOp, [line], { axis: over, descending: largest, count });
    });
    return { values: takeAlong(x, indices, axis), indices };
  },
);
