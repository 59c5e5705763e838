import { requireArguments } from '../../graph/arguments/checked.js';
import { either, type Kind, kind, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { DType } from '../../graph/dtype.js';
import type { Tensor } from '../../graph/tensor.js';
import { type RotaryOptions, rotaryOptions } from '../../ops/nn/positional-options.js';
import { gelu } from '../../ops/nn/smooth-activations.js';
import { add, relu } from '../../ops/primitives/elementwise.js';
import { requireTensor } from '../kinds.js';
import { checkLayer } from '../layer-methods.js';
import { Module } from '../module.js';
import {
  type AttentionMasks,
  attentionMasks,
  MultiheadAttention,
  type MultiheadAttentionOptions,
} from './attention.js';
import { Dropout } from './dropout.js';
import { Linear } from './linear.js';
import { LayerNorm } from './norm.js';

/** Options of transformer layers: PyTorch's names and defaults. */
export interface TransformerLayerOptions {
  /** Number of features between the two linear layers. Default 2048. */
  readonly dimFeedforward?: number;
  /** The probability of every dropout in the layer, in training. Default 0.1. */
  readonly dropout?: number;
  /** The function between the two linear layers. Default 'relu'. */
  readonly activation?: 'relu' | 'gelu' | ((x: Tensor) => Tensor);
  /** True to normalise the inputs of the sublayers (Xiong et al. 2020) instead of the residual sums. Default false. */
  readonly normFirst?: boolean;
  /** True if self-attention looks at no later position, unless a call says otherwise. Default false. */
  readonly causal?: boolean;
  /** True to rotate queries and keys of the self-attention by their positions: see `rotaryEmbedding`. Default false. */
  readonly rotary?: boolean | RotaryOptions;
  /** Added to the variance in the normalisations. Default 1e-5. */
  readonly layerNormEps?: number;
  /** True to add biases in linear layers, attention and normalisations. Default true. */
  readonly bias?: boolean;
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

/** A named activation, or a function. */
const activation: Kind<NonNullable<TransformerLayerOptions['activation']>> = kind(
  "'relu', 'gelu' or a function",
  (value) => value === 'relu' || value === 'gelu' || kinds.callback().accepts(value),
);

const parameters = {
  embedDim: kinds.count,
  numHeads: kinds.count,
  options: optional(
    optionsOf<TransformerLayerOptions>({
      dimFeedforward: kinds.count,
      dropout: kinds.share,
      activation,
      normFirst: kinds.boolean,
      causal: kinds.boolean,
      rotary: either(kinds.boolean, rotaryOptions),
      layerNormEps: kinds.nonNegative,
      bias: kinds.boolean,
      dtype: kinds.dtype,
    }),
  ),
};

/** Masks of a decoder layer's two attentions. */
export interface DecoderMasks {
  /** Masks of the self-attention. */
  readonly self?: AttentionMasks;
  /** Masks of the attention to the memory. */
  readonly memory?: AttentionMasks;
}

/** The kinds of `DecoderMasks`. */
export const decoderMasks = optionsOf<DecoderMasks>({ self: attentionMasks, memory: attentionMasks });

/**
 * Self-attention and a feed-forward network of two linear layers, each with a residual connection and a layer
 * normalisation (Vaswani et al. 2017), as `torch.nn.TransformerEncoderLayer` with the batch first and the same
 * parameter names.
 */
export class TransformerEncoderLayer extends Module {
  readonly self_attn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly #activation: (x: Tensor) => Tensor;
  readonly #normFirst: boolean;

  constructor(embedDim: number, numHeads: number, options: TransformerLayerOptions = {}, ...surplus: []) {
    requireArguments('TransformerEncoderLayer', parameters, [embedDim, numHeads, options, ...surplus]);
    super();
    const parts = new Sublayers('TransformerEncoderLayer', embedDim, numHeads, options);
    this.self_attn = parts.attention({ causal: options.causal ?? false, rotary: options.rotary ?? false });
    this.linear1 = parts.widen();
    this.dropout = parts.dropout();
    this.linear2 = parts.narrow();
    this.norm1 = parts.norm();
    this.norm2 = parts.norm();
    this.dropout1 = parts.dropout();
    this.dropout2 = parts.dropout();
    this.#activation = parts.activation;
    this.#normFirst = parts.normFirst;
  }

  /** [N, T, embedDim] -> the same shape. */
  forward(x: Tensor): Tensor {
    return this.encode(x);
  }

  /** As `forward`, with masks of the self-attention. */
  encode(x: Tensor, masks: AttentionMasks = {}): Tensor {
    const around = residual(this.#normFirst);
    const attended = around(x, this.norm1, (y) =>
      this.dropout1.forward(this.self_attn.attend(y, y, y, masks)),
    );
    return around(attended, this.norm2, (y) => {
      const inner = activate(this.#activation, this.dropout, this.linear1.forward(y));
      return this.dropout2.forward(this.linear2.forward(inner));
    });
  }
}

checkLayer(TransformerEncoderLayer, {
  forward: { x: kinds.tensor },
  encode: { x: kinds.tensor, options: optional(attentionMasks) },
});

/**
 * Self-attention, attention to an encoder's memory, and a feed-forward network of two linear layers, each with a
 * residual connection and a layer normalisation (Vaswani et al. 2017), as `torch.nn.TransformerDecoderLayer` with the
 * batch first and the same parameter names.
 */
export class TransformerDecoderLayer extends Module {
  readonly self_attn: MultiheadAttention;
  readonly multihead_attn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly norm3: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly dropout3: Dropout;
  readonly #activation: (x: Tensor) => Tensor;
  readonly #normFirst: boolean;

  constructor(embedDim: number, numHeads: number, options: TransformerLayerOptions = {}, ...surplus: []) {
    requireArguments('TransformerDecoderLayer', parameters, [embedDim, numHeads, options, ...surplus]);
    super();
    const parts = new Sublayers('TransformerDecoderLayer', embedDim, numHeads, options);
    this.self_attn = parts.attention({ causal: options.causal ?? false, rotary: options.rotary ?? false });
    this.multihead_attn = parts.attention();
    this.linear1 = parts.widen();
    this.dropout = parts.dropout();
    this.linear2 = parts.narrow();
    this.norm1 = parts.norm();
    this.norm2 = parts.norm();
    this.norm3 = parts.norm();
    this.dropout1 = parts.dropout();
    this.dropout2 = parts.dropout();
    this.dropout3 = parts.dropout();
    this.#activation = parts.activation;
    this.#normFirst = parts.normFirst;
  }

  /** x [N, T, embedDim] and memory [N, S, embedDim] -> the shape of x. */
  forward(x: Tensor, memory: Tensor): Tensor {
    return this.decode(x, memory);
  }

  /** As `forward`, with masks. */
  decode(x: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    const around = residual(this.#normFirst);
    const own = around(x, this.norm1, (y) =>
      this.dropout1.forward(this.self_attn.attend(y, y, y, masks.self)),
    );
    const attended = around(own, this.norm2, (y) =>
      this.dropout2.forward(this.multihead_attn.attend(y, memory, memory, masks.memory)),
    );
    return around(attended, this.norm3, (y) => {
      const inner = activate(this.#activation, this.dropout, this.linear1.forward(y));
      return this.dropout3.forward(this.linear2.forward(inner));
    });
  }
}

checkLayer(TransformerDecoderLayer, {
  forward: { x: kinds.tensor, memory: kinds.tensor },
  decode: { x: kinds.tensor, memory: kinds.tensor, options: optional(decoderMasks) },
});

/** A sublayer with its residual connection, normalised before the sublayer or after the sum. */
function residual(normFirst: boolean) {
  return (x: Tensor, norm: LayerNorm, part: (x: Tensor) => Tensor): Tensor =>
    normFirst ? add(x, part(norm.forward(x))) : norm.forward(add(x, part(x)));
}

/** The activation followed by dropout. */
function activate(activation: (x: Tensor) => Tensor, dropout: Dropout, x: Tensor): Tensor {
  // In training, with dropout before ReLU the numbers are the same, and the gradient needs only what the next product
  // keeps anyway. In inference the order is PyTorch's, so that its recorded outputs compare.
  const reluLast = activation === relu && dropout.training;
  return reluLast ? relu(dropout.forward(x)) : dropout.forward(activation(x));
}

const activations = { relu, gelu };

/** Makes the sublayers of a layer from its options. */
class Sublayers {
  readonly activation: (x: Tensor) => Tensor;
  readonly normFirst: boolean;

  constructor(
    name: string,
    private readonly embedDim: number,
    private readonly numHeads: number,
    private readonly options: TransformerLayerOptions,
  ) {
    const { activation = 'relu', normFirst = false } = options;
    this.activation =
      typeof activation === 'function'
        ? (x) => requireTensor(name, 'activation', activation(x))
        : activations[activation];
    this.normFirst = normFirst;
  }

  attention(own: MultiheadAttentionOptions = {}): MultiheadAttention {
    const { dropout = 0.1, bias = true, dtype = 'float32' } = this.options;
    return new MultiheadAttention(this.embedDim, this.numHeads, { dropout, bias, dtype, ...own });
  }

  widen(): Linear {
    const { dimFeedforward = 2048, bias = true, dtype = 'float32' } = this.options;
    return new Linear(this.embedDim, dimFeedforward, { bias, dtype });
  }

  narrow(): Linear {
    const { dimFeedforward = 2048, bias = true, dtype = 'float32' } = this.options;
    return new Linear(dimFeedforward, this.embedDim, { bias, dtype });
  }

  norm(): LayerNorm {
    const { layerNormEps: eps = 1e-5, bias = true, dtype = 'float32' } = this.options;
    return new LayerNorm(this.embedDim, { eps, bias, dtype });
  }

  dropout(): Dropout {
    return new Dropout(this.options.dropout ?? 0.1);
  }
}
