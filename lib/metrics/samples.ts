import * as kinds from '../graph/arguments/kinds.js';
import { ones } from '../graph/leaf.js';
import type { Shape } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';
import { factorsOf } from '../nn/losses/reduction.js';
import { expand } from '../ops/primitives/broadcast.js';
import { cast, gt, ne, where } from '../ops/primitives/elementwise.js';

/** What a metric is given of a batch. */
export interface Batch {
  readonly output: Tensor;
  readonly target: Tensor;
  /** Of the samples, where the data set has some. */
  readonly weights?: Tensor | undefined;
}

/** The same numbers in float64, in which sums over samples are taken: counts are exact up to 2 ** 53. */
export function double(x: Tensor): Tensor {
  return cast(x, 'float64');
}

/** A label whose samples do not count. */
export const label = kinds.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

/**
 * The weight of each element of a shape in float64: that of its sample, 1 where the data set has no weights, and 0 where
 * the element does not count.
 */
export function weightsFor(op: string, shape: Shape, weights: Tensor | undefined, counted?: Tensor): Tensor {
  const all = ones(shape, 'float64');
  const given = weights ? expand(factorsOf(op, all, weights), shape) : all;
  return counted ? where(counted, given, 0) : given;
}

/**
 * Weights, which become NaN where an output is. A figure of them is NaN too, whatever class or side the output would fall
 * on.
 *
 * @param mask true where an output is NaN
 */
export function spoiled(weights: Tensor, mask: Tensor): Tensor {
  return where(where(gt(weights, 0), mask, 0), Number.NaN, weights);
}

/** True where an element is NaN. */
export function nanMask(x: Tensor): Tensor {
  return ne(x, x);
}
