import { checked } from '../../graph/arguments/checked.js';
import { either, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { broadcastShapes, broadcastsTo, type Shape, sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { nextRandomKey } from '../../graph/trace.js';
import { attentionOf, paysAsKernel } from '../primitives/attention/attention.js';
import { type AttentionAttributes, attentionFormula } from '../primitives/attention/attention-formula.js';
import { expand } from '../primitives/broadcast.js';
import { requireFloat } from '../primitives/checks.js';
import { mul } from '../primitives/elementwise.js';
import { reshape, squeeze, transpose, unsqueeze } from '../primitives/movement.js';

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
 * For 32 queries and more, one kernel in each direction does it block by block, and the weights are never in memory
 * (Dao et al. 2022). A query that may attend to no key, or for which there is none, gets zeros.
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
    const op = 'scaledDotProductAttention';
    const sides = [query, key, value] as const;
    requireSides(op, sides);
    const leading = broadcastShapes(op, query.shape.slice(0, -2), key.shape.slice(0, -2));
    const scores = [...leading, ...query.shape.slice(-2, -1), ...key.shape.slice(-2, -1)];
    const masks = mask ? [mask] : [];
    const attributes = attributesOf(op, query, scores, masks, rest);
    // Weights that values share are drawn once for all of them, so they do not broadcast.
    const all = broadcastShapes(op, leading, value.shape.slice(0, -2));
    const [queries = 0, features = 0] = query.shape.slice(-2);
    const [keys = 0, width = 0] = value.shape.slice(-2);
    if (!sameShape(all, leading) || !paysAsKernel({ queries, keys, features, width })) {
      const { context, share } = attentionFormula(sides, masks, attributes);
      return mul(context, share);
    }
    // The kernel wants heads behind the lengths: the last of several leading axes, or one head.
    const several = leading.length > 1;
    const [q, k, v] = sides.map((side) => {
      const whole = expand(side, [...leading, ...side.shape.slice(-2)]);
      return several ? transpose(whole, -3, -2) : unsqueeze(whole, -2);
    }) as [Tensor, Tensor, Tensor];
    const aligned = masks.map((each) => {
      const missing = new Array<number>(scores.length - each.ndim).fill(1);
      const shape = [...missing, ...each.shape];
      return reshape(each, several ? shape : shape.toSpliced(leading.length, 0, 1));
    });
    const results = attentionOf([q, k, v], aligned, attributes);
    return several ? transpose(results, -3, -2) : squeeze(results, -2);
  },
);

/**
 * Attention in several heads that lie side by side; `op` names the function in errors.
 *
 * @param sides queries [N, T, heads, D], keys [N, S, heads, D] and values [N, S, heads, V]
 * @param masks each broadcasts to [N, heads, T, S]
 * @returns [N, T, heads, V]
 */
export function attentionOfHeads(
  op: string,
  sides: readonly [query: Tensor, key: Tensor, value: Tensor],
  masks: readonly Tensor[],
  options: Omit<AttentionOptions, 'mask'>,
): Tensor {
  const [query, key] = sides;
  const [samples, queries, heads] = query.shape as [number, number, number];
  const scores = [samples, heads, queries, ...key.shape.slice(1, 2)];
  const attributes = attributesOf(op, query, scores, masks, options);
  const aligned = masks.map((mask) => {
    return reshape(mask, [...new Array<number>(scores.length - mask.ndim).fill(1), ...mask.shape]);
  });
  return attentionOf(sides, aligned, attributes);
}

/** What attention depends on besides its tensors; the masks have to broadcast to the shape of the scores. */
function attributesOf(
  op: string,
  query: Tensor,
  scores: Shape,
  masks: readonly Tensor[],
  { causal = false, dropout = 0, scale }: Omit<AttentionOptions, 'mask'>,
): AttentionAttributes {
  for (const mask of masks) requireMask(op, mask, query, scores);
  return {
    scale: scale ?? 1 / Math.sqrt(query.shape.at(-1) || 1),
    causal,
    dropout,
    randomKey: dropout > 0 ? nextRandomKey() : 0,
    drawn: scores,
  };
}

function requireMask(op: string, mask: Tensor, query: Tensor, scores: Shape): void {
  if (!broadcastsTo(mask.shape, scores)) {
    throw invalid(op, `mask must broadcast to ${formatShape(scores)}`, mask.shape);
  }
  if (mask.dtype !== 'bool' && mask.dtype !== query.dtype) {
    throw invalid(op, `mask must be bool or ${query.dtype}`, mask.dtype);
  }
}

function requireSides(op: string, [query, key, value]: readonly [Tensor, Tensor, Tensor]): void {
  for (const [name, { shape }] of Object.entries({ query, key, value })) {
    if (shape.length < 2) throw invalid(op, `${name} must be [..., length, features]`, shape);
  }
  requireFloat(op, query);
  for (const { dtype } of [key, value]) {
    if (dtype !== query.dtype) {
      throw invalid(op, `dtypes differ, ${query.dtype} and ${dtype}; cast one of them`);
    }
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
