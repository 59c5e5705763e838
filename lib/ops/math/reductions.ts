import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { normaliseAxes, sizeOf } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { type ReduceOptions, reduceOptions, sum } from '../primitives/broadcast.js';
import { requireFloat } from '../primitives/checks.js';
import { cast, eq, gt, mul } from '../primitives/elementwise.js';
import type { Axes } from '../primitives/reduce.js';

/** The mean over `axes` (all by default), floats only. That of no elements is NaN. */
export const mean = checked(
  'mean',
  { x: kinds.tensor, axes: optional(kinds.axes), options: optional(reduceOptions) },
  (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor => {
    requireFloat('mean', x);
    const over = normaliseAxes('mean', axes, x.ndim);
    const count = sizeOf(over.map((axis) => at(x.shape, axis)));
    return mul(sum(x, over, options), 1 / count);
  },
);

/** True if any element over `axes` (all by default) is true (not 0); false if there are no elements. */
export const any = checked(
  'any',
  { x: kinds.tensor, axes: optional(kinds.axes), options: optional(reduceOptions) },
  (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor => {
    return gt(sum(cast(x, 'bool'), normaliseAxes('any', axes, x.ndim), options), 0);
  },
);

/** True if all elements over `axes` (all by default) are true (not 0), or if there are none. */
export const all = checked(
  'all',
  { x: kinds.tensor, axes: optional(kinds.axes), options: optional(reduceOptions) },
  (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor => {
    return eq(sum(eq(x, 0), normaliseAxes('all', axes, x.ndim), options), 0);
  },
);
