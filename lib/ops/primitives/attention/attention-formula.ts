import { arange, zeros } from '../../../graph/leaf.js';
import type { Shape } from '../../../graph/shapes.js';
import type { Tensor } from '../../../graph/tensor.js';
import { sum } from '../broadcast.js';
import { add, div, exp, ge, gt, maximum, mul, sub, where } from '../elementwise.js';
import { matmul } from '../matmul.js';
import { reshape, unsqueeze } from '../movement.js';
import { uniform } from '../random.js';
import { max } from '../reduce.js';
import { stopGradient } from '../stop-gradient.js';

/** What attention depends on besides its tensors. */
export interface AttentionAttributes {
  /** Multiplies the scores. */
  readonly scale: number;
  /** True if query `i` may attend to keys 0 to `i` only. */
  readonly causal: boolean;
  /** The probability that a weight is set to 0. */
  readonly dropout: number;
  /** The key of the random numbers that decide on it. */
  readonly randomKey: number;
  /** The shape that these are drawn in. It has as many elements as there are scores. */
  readonly drawn: Shape;
}

/** The lowest finite float32, used instead of minus infinity, whose differences would be NaN. */
const LOWEST = -(2 - 2 ** -23) * 2 ** 127;

/**
 * Attention as a composite: its definition, which keeps all weights in memory. It serves short queries, the second
 * derivatives of `attentionOp`, and the gradients of masks.
 *
 * @param sides queries [..., T, D], keys [..., S, D] and values [..., S, V]; their leading axes broadcast
 * @param masks bool, or floats to add; each broadcasts to [..., T, S]
 * @returns the sum of weighted values [..., T, V], and `share` [..., T, 1], the reciprocal of the sum of the weights, by
 *   which it is still to be multiplied: it has fewer elements than the weights
 */
export function attentionFormula(
  [query, key, value]: readonly [Tensor, Tensor, Tensor],
  masks: readonly Tensor[],
  { scale, causal, dropout, randomKey, drawn }: AttentionAttributes,
): { readonly context: Tensor; readonly share: Tensor } {
  const scores = matmul(query, key, { transposeB: true });
  if (key.shape.at(-2) === 0) {
    return { context: matmul(scores, value), share: zeros(scores.shape.with(-1, 1), scores.dtype) };
  }
  const limited = causal || masks.length > 0;
  const masked = masks.reduce(applyMask, mul(scores, scale));
  const shown = causal ? where(causalPairs(scores), masked, LOWEST) : masked;
  // The scaled maximum of the products is the maximum of the scaled ones, and the products are in memory already.
  const top = stopGradient(limited || scale < 0 ? largest(shown) : mul(largest(scores), scale));
  const weights = exp(sub(shown, top));
  const share = div(1, sum(weights, -1, { keepDims: true }));
  const kept = () => ge(reshape(uniform(drawn, scores.dtype, randomKey), scores.shape), dropout);
  const dropped = dropout === 0 ? weights : mul(where(kept(), weights, 0), 1 / (1 - dropout));
  return { context: matmul(dropped, value), share: limited ? where(gt(top, LOWEST), share, 0) : share };
}

function largest(scores: Tensor): Tensor {
  return max(scores, -1, { keepDims: true });
}

function applyMask(scores: Tensor, mask: Tensor): Tensor {
  return mask.dtype === 'bool' ? where(mask, scores, LOWEST) : maximum(add(scores, mask), LOWEST);
}

/** The causal mask [T, S]: true where a query may attend to a key. */
function causalPairs(scores: Tensor): Tensor {
  const [queries, keys] = scores.shape.slice(-2) as [number, number];
  return ge(unsqueeze(arange(queries, scores.dtype), 1), arange(keys, scores.dtype));
}
