import { at } from '../../graph/at.js';
import { requireOptions } from '../../graph/errors.js';
import { normaliseAxes, sizeOf } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { type ReduceOptions, sum } from '../primitives/broadcast.js';
import { requireFloat } from '../primitives/checks.js';
import { cast, eq, gt, mul } from '../primitives/elementwise.js';
import type { Axes } from '../primitives/reduce.js';

/** The mean over `axes` (all by default), floats only. That of no elements is NaN. */
export function mean(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  requireOptions('mean', options);
  requireFloat('mean', x);
  const over = normaliseAxes('mean', axes, x.ndim);
  const count = sizeOf(over.map((axis) => at(x.shape, axis)));
  return mul(sum(x, over, options), 1 / count);
}

/** True if any element over `axes` (all by default) is true (not 0); false if there are no elements. */
export function any(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  requireOptions('any', options);
  return gt(sum(cast(x, 'bool'), normaliseAxes('any', axes, x.ndim), options), 0);
}

/** True if all elements over `axes` (all by default) are true (not 0), or if there are none. */
export function all(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  requireOptions('all', options);
  return eq(sum(eq(x, 0), normaliseAxes('all', axes, x.ndim), options), 0);
}
