import { checked } from '../../graph/arguments/checked.js';
import { either, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { arange, zeros } from '../../graph/leaf.js';
import { broadcastsTo } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { sum } from '../primitives/broadcast.js';
import { add, div, exp, ge, gt, maximum, mul, sub, where } from '../primitives/elementwise.js';
import { matmul } from '../primitives/matmul.js';
import { unsqueeze } from '../primitives/movement.js';
import { max } from '../primitives/reduce.js';
import { stopGradient } from '../primitives/stop-gradient.js';
import { dropout } from './dropout.js';

/** Options of attention. */
export interface AttentionOptions {
  /**
   * Broadcasts to [..., T, S]. bool: true where a query may attend to a key, as in PyTorch's function of this name.
   * Floats: added to the scores; minus infinity forbids. Default none.
   */
  readonly mask?: Tensor | null;
  /** Restricts query `i` to keys 0 to `i`, in addition to the mask. Default false. */
  readonly causal?: boolean;
  /** The probability that a weight is set to 0, in training. Default 0. */
  readonly dropout?: number;
  /** Multiplies the scores. Default `1 / sqrt(D)`. */
  readonly scale?: number;
}

const attentionOptions = optionsOf<AttentionOptions>({
  mask: either(kinds.tensor, kinds.none),
  causal: kinds.boolean,
  dropout: kinds.share,
  scale: kinds.finite,
});

/**
 * `softmax(query key^T * scale) value` (Vaswani et al. 2017), as `torch.nn.functional.scaled_dot_product_attention`.
 * A query that may attend to no key, or for which there is none, gets zeros.
 *
 * @param query [..., T, D]
 * @param key [..., S, D]
 * @param value [..., S, V]; the leading axes of all three broadcast
 * @returns [..., T, V]
 */
export const scaledDotProductAttention = checked(
  'scaledDotProductAttention',
  { query: kinds.tensor, key: kinds.tensor, value: kinds.tensor, options: optional(attentionOptions) },
  (query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions = {}): Tensor => {
    const { mask, ...rest } = options;
    const masks = mask ? [mask] : [];
    const { context, share } = attention('scaledDotProductAttention', query, key, value, masks, rest);
    return mul(context, share);
  },
);

/** The lowest finite float32, used instead of minus infinity, whose differences would be NaN. */
const LOWEST = -(2 - 2 ** -23) * 2 ** 127;

/**
 * Attention without the division by the sum of its weights. The caller multiplies the result by `share` [..., T, 1],
 * the reciprocal of that sum, because the result has fewer elements than the weights.
 */
export function attention(
  op: string,
  query: Tensor,
  key: Tensor,
  value: Tensor,
  masks: readonly Tensor[],
  { causal = false, dropout: rate = 0, scale }: AttentionOptions,
): { context: Tensor; share: Tensor } {
  requireSides(op, query, key, value);
  const factor = scale ?? 1 / Math.sqrt(query.shape.at(-1) || 1);
  if (!Number.isFinite(factor)) throw invalid(op, 'scale must be a number', factor);
  const scores = matmul(query, key, { transposeB: true });
  if (key.shape.at(-2) === 0) {
    return { context: matmul(scores, value), share: zeros(scores.shape.with(-1, 1), scores.dtype) };
  }
  const limited = causal || masks.length > 0;
  const masked = masks.reduce((value, mask) => applyMask(op, value, mask), mul(scores, factor));
  const shown = causal ? where(causalPairs(scores), masked, LOWEST) : masked;
  // The scaled maximum of the products is the maximum of the scaled ones, and the products are in memory already.
  const top = stopGradient(limited || factor < 0 ? largest(shown) : mul(largest(scores), factor));
  const weights = exp(sub(shown, top));
  const share = div(1, sum(weights, -1, { keepDims: true }));
  return {
    context: matmul(dropout(weights, rate), value),
    share: limited ? where(gt(top, LOWEST), share, 0) : share,
  };
}

function largest(scores: Tensor): Tensor {
  return max(scores, -1, { keepDims: true });
}

function applyMask(op: string, scores: Tensor, mask: Tensor): Tensor {
  if (!broadcastsTo(mask.shape, scores.shape)) {
    throw invalid(op, `mask must broadcast to ${formatShape(scores.shape)}`, mask.shape);
  }
  if (mask.dtype === 'bool') return where(mask, scores, LOWEST);
  if (mask.dtype !== scores.dtype) throw invalid(op, `mask must be bool or ${scores.dtype}`, mask.dtype);
  return maximum(add(scores, mask), LOWEST);
}

/** The causal mask [T, S]: true where a query may attend to a key. */
function causalPairs(scores: Tensor): Tensor {
  const [queries, keys] = scores.shape.slice(-2) as [number, number];
  return ge(unsqueeze(arange(queries, scores.dtype), 1), arange(keys, scores.dtype));
}

function requireSides(op: string, query: Tensor, key: Tensor, value: Tensor): void {
  for (const [name, { shape }] of Object.entries({ query, key, value })) {
    if (shape.length < 2) throw invalid(op, `${name} must be [..., length, features]`, shape);
  }
  if (query.shape.at(-1) !== key.shape.at(-1)) {
    const shapes = `${formatShape(query.shape)} and ${formatShape(key.shape)}`;
    throw invalid(op, `query and key must have the same features, got ${shapes}`);
  }
  if (key.shape.at(-2) !== value.shape.at(-2)) {
    const shapes = `${formatShape(key.shape)} and ${formatShape(value.shape)}`;
    throw invalid(op, `key and value must have the same length, got ${shapes}`);
  }
}
