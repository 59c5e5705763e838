import { zeros } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { Figure } from '../nn/figure.js';
import { sum } from '../ops/primitives/broadcast.js';
import { add, div, eq, mul, where } from '../ops/primitives/elementwise.js';
import type { Batch } from './samples.js';

/** Values of which a figure takes the mean, and the weight of each, in float64. */
export interface Weighted {
  readonly values: Tensor;
  readonly weights: Tensor;
}

/**
 * A figure that is computed from the weighted mean of values of each element.
 *
 * @param result the figure from the mean; the mean itself by default
 */
export function meanFigure(
  valuesOf: (batch: Batch) => Weighted,
  result: (mean: Tensor) => Tensor = (mean) => mean,
): Figure {
  return new Figure({
    init: () => ({ sum: zeros([], 'float64'), weight: zeros([], 'float64') }),
    update(state, output, target, weights) {
      const batch = valuesOf({ output, target, weights });
      return {
        sum: add(state.sum, sum(weighted(batch))),
        weight: add(state.weight, sum(batch.weights)),
      };
    },
    merge: (a, b) => ({ sum: add(a.sum, b.sum), weight: add(a.weight, b.weight) }),
    result: ({ sum: total, weight }) => result(div(total, weight)),
  });
}

/** Values times their weights; those of weight 0 may be anything. */
export function weighted({ values, weights }: Weighted): Tensor {
  return mul(where(eq(weights, 0), 0, values), weights);
}
