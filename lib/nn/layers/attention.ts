import { requireArguments } from '../../graph/arguments/checked.js';
import { either, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { DType } from '../../graph/dtype.js';
import { formatShape, formatType, invalid } from '../../graph/errors.js';
import { sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { attentionOfHeads } from '../../ops/nn/attention.js';
import { rotaryEmbedding } from '../../ops/nn/positional.js';
import { type RotaryOptions, rotaryOptions } from '../../ops/nn/positional-options.js';
import { add, eq } from '../../ops/primitives/elementwise.js';
import { matmul } from '../../ops/primitives/matmul.js';
import { reshape, slice, transpose } from '../../ops/primitives/movement.js';
import { xavierUniform, zeros } from '../init.js';
import { requireInputDType } from '../input-dtype.js';
import { mask } from '../kinds.js';
import { checkLayer } from '../layer-methods.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { Linear } from './linear.js';

/** Options of `MultiheadAttention`. */
export interface MultiheadAttentionOptions {
  /** True to add biases in the four projections. Default true. */
  readonly bias?: boolean;
  /** The probability that an attention weight is set to 0 in training. Default 0. */
  readonly dropout?: number;
  /** Number of features of the keys; `embedDim` by default. */
  readonly kdim?: number;
  /** Number of features of the values; `embedDim` by default. */
  readonly vdim?: number;
  /** True if no query may attend to a later key, unless a call says otherwise. Default false. */
  readonly causal?: boolean;
  /** True to rotate queries and keys by their positions before their product: see `rotaryEmbedding`. Default false. */
  readonly rotary?: boolean | RotaryOptions;
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

const parameters = {
  embedDim: kinds.count,
  numHeads: kinds.count,
  options: optional(
    optionsOf<MultiheadAttentionOptions>({
      bias: kinds.boolean,
      dropout: kinds.share,
      kdim: kinds.count,
      vdim: kinds.count,
      causal: kinds.boolean,
      rotary: either(kinds.boolean, rotaryOptions),
      dtype: kinds.dtype,
    }),
  ),
};

/** Masks of one call. */
export interface AttentionMasks {
  /**
   * [T, S], or a shape that broadcasts to [N, heads, T, S]. bool: true where a query may attend to a key (as in
   * `scaledDotProductAttention`; PyTorch's `attn_mask` of this layer is the opposite). Floats: added to the scores.
   */
  readonly mask?: Tensor | null;
  /** [N, S], bool: true where a key is padding, which no query may attend to, as in PyTorch. */
  readonly keyPaddingMask?: Tensor | null;
  /** True if no query may attend to a later key. Default: the layer's. */
  readonly causal?: boolean;
}

/** The kinds of `AttentionMasks`. */
export const attentionMasks = optionsOf<AttentionMasks>({
  mask,
  keyPaddingMask: mask,
  causal: kinds.boolean,
});

/**
 * Multi-head attention over sequences with the batch first (Vaswani et al. 2017), as `torch.nn.MultiheadAttention`.
 * `in_proj_weight` is [3 embedDim, embedDim]: the stacked projections of queries, keys and values; with `kdim` or
 * `vdim` they are `q_proj_weight`, `k_proj_weight` and `v_proj_weight`. `in_proj_bias` is [3 embedDim], and
 * `out_proj` a `Linear`. A query that may attend to no key gets `out_proj.bias`.
 */
export class MultiheadAttention extends Module {
  readonly in_proj_weight: Parameter | null;
  readonly q_proj_weight: Parameter | null;
  readonly k_proj_weight: Parameter | null;
  readonly v_proj_weight: Parameter | null;
  readonly in_proj_bias: Parameter | null;
  readonly out_proj: Linear;
  readonly kdim: number;
  readonly vdim: number;
  readonly #rate: number;
  readonly #causal: boolean;
  readonly #rotary: RotaryOptions | null;

  /** @param numHeads a divisor of `embedDim` */
  constructor(
    readonly embedDim: number,
    readonly numHeads: number,
    options: MultiheadAttentionOptions = {},
    ...surplus: []
  ) {
    requireArguments('MultiheadAttention', parameters, [embedDim, numHeads, options, ...surplus]);
    super();
    const { bias = true, dropout = 0, causal = false, rotary = false, dtype = 'float32' } = options;
    const { kdim = embedDim, vdim = embedDim } = options;
    if (embedDim % numHeads !== 0) {
      throw invalid('MultiheadAttention', `numHeads must divide the ${embedDim} features`, numHeads);
    }
    if (rotary && (embedDim / numHeads) % 2 !== 0) {
      throw invalid(
        'MultiheadAttention',
        'rotary needs an even number of features of a head',
        embedDim / numHeads,
      );
    }
    const joint = kdim === embedDim && vdim === embedDim;
    const weight = (rows: number, columns: number) =>
      new Parameter([rows, columns], { init: xavierUniform(), dtype });
    this.kdim = kdim;
    this.vdim = vdim;
    this.#rate = dropout;
    this.#causal = causal;
    this.#rotary = rotary === true ? {} : rotary || null;
    this.in_proj_weight = joint ? weight(3 * embedDim, embedDim) : null;
    this.q_proj_weight = joint ? null : weight(embedDim, embedDim);
    this.k_proj_weight = joint ? null : weight(embedDim, kdim);
    this.v_proj_weight = joint ? null : weight(embedDim, vdim);
    this.in_proj_bias = bias ? new Parameter([3 * embedDim], { init: zeros, dtype }) : null;
    this.out_proj = new Linear(embedDim, embedDim, { bias, biasInit: zeros, dtype });
  }

  /** True if no query may attend to a later key, unless a call says otherwise. */
  get causal(): boolean {
    return this.#causal;
  }

  /**
   * Self-attention of `query`, or attention to other keys. The values default to the keys.
   *
   * @param query [N, T, embedDim]
   * @param key [N, S, kdim]
   * @param value [N, S, vdim]
   * @returns [N, T, embedDim]
   */
  forward(query: Tensor, key: Tensor = query, value: Tensor = key): Tensor {
    return this.attend(query, key, value);
  }

  /** As `forward`, with masks. */
  attend(query: Tensor, key: Tensor, value: Tensor, masks: AttentionMasks = {}): Tensor {
    this.#requireInputs(query, key, value);
    const [q, k, v] = this.#project(query, key, value) as [Tensor, Tensor, Tensor];
    const heads = attentionOfHeads(
      'MultiheadAttention',
      [this.#turned(q), this.#turned(k), v],
      readMasks(masks, key, this.numHeads, query),
      { causal: masks.causal ?? this.causal, dropout: this.training ? this.#rate : 0 },
    );
    return this.out_proj.forward(reshape(heads, query.shape));
  }

  #requireInputs(query: Tensor, key: Tensor, value: Tensor): void {
    const { embedDim, kdim, vdim } = this;
    for (const [name, input, features] of [
      ['query', query, embedDim],
      ['key', key, kdim],
      ['value', value, vdim],
    ] as const) {
      const { shape } = input;
      if (shape.length !== 3 || shape[2] !== features) {
        throw invalid('MultiheadAttention', `${name} must be [N, length, ${features}]`, shape);
      }
      requireInputDType('MultiheadAttention', input, this.out_proj.weight);
    }
    if (query.shape[0] !== key.shape[0] || !sameShape(key.shape.slice(0, 2), value.shape.slice(0, 2))) {
      const shapes = [query, key, value].map(({ shape }) => formatShape(shape)).join(', ');
      throw invalid('MultiheadAttention', `query, key and value must fit each other, got ${shapes}`);
    }
  }

  /** Queries, keys and values, [N, length, heads, features], by one product for those that share an input. */
  #project(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    if (query === key && key === value) return this.#linear(query, 0, 3);
    if (key === value) return [...this.#linear(query, 0, 1), ...this.#linear(key, 1, 3)];
    return [query, key, value].flatMap((x, i) => this.#linear(x, i, i + 1));
  }

  /** The projections of `x` numbered from `from` up to but not including `to`. */
  #linear(x: Tensor, from: number, to: number): Tensor[] {
    const { embedDim: width, in_proj_weight: joint, in_proj_bias: bias } = this;
    if (!joint && to - from > 1) {
      return Array.from({ length: to - from }, (_, i) => this.#linear(x, from + i, from + i + 1)).flat();
    }
    const rows = [[from * width, to * width]] as const;
    const own = [this.q_proj_weight, this.k_proj_weight, this.v_proj_weight][from] as Parameter;
    const product = matmul(x, joint ? slice(joint, rows) : own, { transposeB: true });
    const all = bias ? add(product, slice(bias, rows)) : product;
    const [samples, length] = x.shape as [number, number];
    const heads = [this.numHeads, width / this.numHeads];
    const split = reshape(all, [samples, length, to - from, ...heads]);
    return Array.from({ length: to - from }, (_, i) => {
      return reshape(slice(split, [[], [], [i, i + 1]]), [samples, length, ...heads]);
    });
  }

  /** Queries or keys, rotated by their positions if the layer does so. */
  #turned(x: Tensor): Tensor {
    if (!this.#rotary) return x;
    return transpose(rotaryEmbedding(transpose(x, 1, 2), this.#rotary), 1, 2);
  }
}

const inputs = { query: kinds.tensor, key: kinds.tensor, value: kinds.tensor };
checkLayer(MultiheadAttention, {
  forward: { ...inputs, key: optional(kinds.tensor), value: optional(kinds.tensor) },
  attend: { ...inputs, options: optional(attentionMasks) },
});

/** The masks of a call, in shapes that broadcast over all heads. */
function readMasks(
  { mask, keyPaddingMask }: AttentionMasks,
  key: Tensor,
  heads: number,
  query: Tensor,
): Tensor[] {
  const masks: Tensor[] = [];
  if (mask) {
    if (mask.ndim !== 2 && mask.ndim !== 4) {
      const [n, t, s] = [query.shape[0], query.shape[1], key.shape[1]];
      throw invalid(
        'MultiheadAttention',
        `mask must be [${t},${s}] or [${n},${heads},${t},${s}]`,
        mask.shape,
      );
    }
    masks.push(mask);
  }
  if (keyPaddingMask) {
    const [samples, length] = key.shape as [number, number];
    if (keyPaddingMask.dtype !== 'bool' || !sameShape(keyPaddingMask.shape, [samples, length])) {
      const found = formatType(keyPaddingMask);
      throw invalid('MultiheadAttention', `keyPaddingMask must be bool[${samples},${length}]`, found);
    }
    masks.push(reshape(eq(keyPaddingMask, 0), [samples, 1, 1, length]));
  }
  return masks;
}
