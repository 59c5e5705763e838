import { zeros } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { isFinite as finiteMask } from '../ops/math/logic.js';
import { sum } from '../ops/primitives/broadcast.js';
import { add, div, eq, mul, sub, where } from '../ops/primitives/elementwise.js';
import { slice } from '../ops/primitives/movement.js';
import { weighted } from './means.js';

/**
 * Weights, means and sums of products of the distances to the means, of two variables in the columns of matrices: vectors.
 * They can be merged without cancellation (Chan, Golub & LeVeque 1983). Means count from the first value of a variable, so
 * that they are as precise far from 0, and the squares of a constant are exactly 0.
 */
export interface JointMoments {
  readonly [name: string]: Tensor;
  readonly weight: Tensor;
  readonly startX: Tensor;
  readonly startY: Tensor;
  /** Distance of the mean to `startX`. */
  readonly meanX: Tensor;
  /** Distance of the mean to `startY`. */
  readonly meanY: Tensor;
  readonly xx: Tensor;
  readonly yy: Tensor;
  readonly xy: Tensor;
}

/** The moments of no rows. */
export function noMoments(columns: number): JointMoments {
  const none = zeros([columns], 'float64');
  return { weight: none, startX: none, startY: none, meanX: none, meanY: none, xx: none, yy: none, xy: none };
}

/** The moments of some rows, one at least. */
export function momentsOf(x: Tensor, y: Tensor, weights: Tensor): JointMoments {
  const weight = sum(weights, 0);
  const [startX, startY] = [startOf(x), startOf(y)];
  const [fromX, fromY] = [sub(x, startX), sub(y, startY)];
  const [meanX, meanY] = [meanOf(fromX, weights, weight), meanOf(fromY, weights, weight)];
  const isNone = eq(weights, 0);
  const [ofX, ofY] = [where(isNone, 0, sub(fromX, meanX)), where(isNone, 0, sub(fromY, meanY))];
  const products = (a: Tensor, b: Tensor) => sum(mul(mul(a, b), weights), 0);
  return {
    ...{ weight, startX, startY, meanX, meanY },
    ...{ xx: products(ofX, ofX), yy: products(ofY, ofY), xy: products(ofX, ofY) },
  };
}

/** The moments of the rows of both. */
export function mergedMoments(a: JointMoments, b: JointMoments): JointMoments {
  const weight = add(a.weight, b.weight);
  const share = div(b.weight, where(eq(weight, 0), 1, weight));
  const dx = add(sub(b.startX, a.startX), sub(b.meanX, a.meanX));
  const dy = add(sub(b.startY, a.startY), sub(b.meanY, a.meanY));
  const between = mul(a.weight, share);
  const products = (ofA: Tensor, ofB: Tensor, distance: Tensor) => add(add(ofA, ofB), mul(distance, between));
  // Rows without weight have no first value to count from.
  const later = (ofA: Tensor, ofB: Tensor) => where(eq(a.weight, 0), ofB, ofA);
  return {
    weight,
    startX: later(a.startX, b.startX),
    startY: later(a.startY, b.startY),
    meanX: later(add(a.meanX, mul(dx, share)), b.meanX),
    meanY: later(add(a.meanY, mul(dy, share)), b.meanY),
    xx: products(a.xx, b.xx, mul(dx, dx)),
    yy: products(a.yy, b.yy, mul(dy, dy)),
    xy: products(a.xy, b.xy, mul(dx, dy)),
  };
}

/** The first value of each column; 0 for one that is not finite, which may have no weight. */
function startOf(x: Tensor): Tensor {
  const first = slice(x, [[0, 1]]);
  return sum(where(finiteMask(first), first, 0), 0);
}

/** The weighted mean of each column; 0 for no weight. */
function meanOf(x: Tensor, weights: Tensor, weight: Tensor): Tensor {
  const isNone = eq(weight, 0);
  return div(sum(weighted({ values: x, weights }), 0), where(isNone, 1, weight));
}
