import { full, zeros } from '../../graph/leaf.js';
import type { Call, Lowering, OpRecord, Shards, TensorType } from '../../graph/op.js';
import { Tensor } from '../../graph/tensor.js';
import { add, div, mul, sub } from './elementwise.js';
import { concat, slice } from './movement.js';

interface AllReduceAttributes {
  /** The number of shards whose values are the input's first axis, if these are several. */
  readonly shards?: number;
}

/** The call that puts the values of all shards together by a method. */
function callBy(method: 'sum' | 'moments'): Lowering<AllReduceAttributes> {
  const call: Call = { kernel: 'allReduce', inputs: ['input'], attributes: { method }, allReduces: true };
  return { family: 'call', call: () => call };
}

function typeOf([x]: readonly TensorType[], { shards }: AllReduceAttributes): TensorType {
  const { shape, dtype } = x as TensorType;
  return { shape: shards === undefined ? shape : shape.slice(1), dtype };
}

/** The result for several shards, which is the same for all. */
function ofSeveral({ op }: Tensor<AllReduceAttributes>, { count, stacked }: Shards): Tensor {
  return new Tensor(op, [stacked(0)], { shards: count });
}

/**
 * The sum of a value over all shards of a batch: each shard gives its own value and takes the sum. In a graph that is not
 * a shard's, the value itself.
 */
export const allReduceOp: OpRecord<AllReduceAttributes> = {
  kind: 'allReduce',
  type: typeOf,
  // The losses of all shards depend on the sum, and therefore on the value that each shard gives.
  grad: (gradient) => [allReduce(gradient)],
  kernel: callBy('sum'),
  shards: ofSeveral,
  cost: (node) => node.size,
};

/** The sum of a float value over all shards of a batch; all of them must come to it. */
export function allReduce(x: Tensor): Tensor {
  return new Tensor(allReduceOp, [x], {});
}

/**
 * The moments of the values of all shards of a batch from those of each shard, on the last axis: C means, C biased
 * variances, and the number of values.
 */
export const mergeMomentsOp: OpRecord<AllReduceAttributes> = {
  kind: 'mergeMoments',
  type: typeOf,
  grad: (gradient, node) => {
    const { mean, weight } = partsOf(node.input(0));
    const all = partsOf(node);
    const share = div(weight, all.weight);
    const { mean: toMean, variance: toVariance } = partsOf(allReduce(gradient));
    // The variance of all is the mean of each shard's variance and of the square of its distance from the mean of all.
    const distance = sub(mean, all.mean);
    return [
      concat(
        [
          mul(add(toMean, mul(mul(toVariance, distance), 2)), share),
          mul(toVariance, share),
          zeros(weight.shape, weight.dtype),
        ],
        -1,
      ),
    ];
  },
  kernel: callBy('moments'),
  shards: ofSeveral,
  cost: (node) => 8 * node.size,
};

/**
 * The mean and the biased variance of the values of all shards of a batch from those of each shard (Chan, Golub & LeVeque
 * 1979), and their number, in one all-reduce: a large mean costs no digits.
 *
 * @param moments of a shard's own values, for C channels on the last axis
 * @param count the number of the shard's values in each channel
 */
export function mergeMoments(
  { mean, variance }: { readonly mean: Tensor; readonly variance: Tensor },
  count: number,
): { mean: Tensor; variance: Tensor; count: Tensor } {
  const weight = full([...mean.shape.slice(0, -1), 1], count, mean.dtype);
  const merged = new Tensor(mergeMomentsOp, [concat([mean, variance, weight], -1)], {});
  const { mean: ofAll, variance: varianceOfAll, weight: all } = partsOf(merged);
  return { mean: ofAll, variance: varianceOfAll, count: all };
}

function partsOf(x: Tensor) {
  const channels = ((x.shape.at(-1) as number) - 1) / 2;
  const part = (start: number, end: number) =>
    slice(x, [...x.shape.slice(1).map((): [] => []), [start, end]]);
  return {
    mean: part(0, channels),
    variance: part(channels, 2 * channels),
    weight: part(2 * channels, 2 * channels + 1),
  };
}
