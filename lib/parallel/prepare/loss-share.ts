import type { Tensor } from '../../graph/tensor.js';
import { isSharded } from '../../graph/trace.js';
import { type FigureKind, type WeightedTerms, weightedSum } from '../../nn/losses/sums.js';
import { allReduce } from '../../ops/primitives/all-reduce.js';
import { cast, div, eq, mul, where } from '../../ops/primitives/elementwise.js';

/** A shard's share of the loss of its batch. */
interface LossShare {
  readonly kind: FigureKind;
  readonly share: Tensor;
  /** The shard's part of the number that divides the sum of all shares, if the kind is 'ratio'. */
  readonly weight?: Tensor;
}

/**
 * A shard's share of the loss. That of a mean is the mean of the shard times its weight; that of other losses is the shard's
 * sum, with the weight that divides it. Several losses count as the mean over the rows: each is divided by its weight in the
 * whole batch, which the shards exchange.
 *
 * @param multiple weight of the shard's mean
 * @param accumulates true if an update adds up several steps, whose losses are then weighted by their rows
 */
export function shareOf(terms: readonly WeightedTerms[], multiple: Tensor, accumulates: boolean): LossShare {
  const [only] = terms;
  if (terms.length === 1 && only) {
    const { kind, factor, weight } = only;
    const sum = kind === 'mean' ? mul(only.sum, multiple) : only.sum;
    return { kind, share: factor === 1 ? sum : mul(sum, factor), ...(weight ? { weight } : {}) };
  }
  const shares = terms.map(({ kind, factor, sum, weight }) => {
    if (kind === 'mean') return { factor, value: mul(sum, multiple) };
    const part = weight ? mul(sum, inverse(weight, sum)) : sum;
    return { factor, value: accumulates ? mul(part, ofBatch(multiple)) : part };
  });
  return { kind: 'mean', share: weightedSum(shares) };
}

/** The inverse of the weight of all shards; 1 if it is 0, as the sum is then. */
function inverse(weight: Tensor, { dtype }: Tensor): Tensor {
  const all = ofBatch(cast(weight, 'float64'));
  return cast(div(1, where(eq(all, 0), 1, all)), dtype);
}

/** The sum of a value over all shards of the batch. */
function ofBatch(x: Tensor): Tensor {
  return isSharded() ? allReduce(x) : x;
}
