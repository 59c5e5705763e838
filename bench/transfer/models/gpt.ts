import { type DType, nn, scaledDotProductAttention, type Tensor } from '../../../lib/index.js';

export interface GPTShape {
  readonly vocabulary: number;
  readonly context: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
}

class CausalSelfAttention extends nn.Module {
  readonly c_attn: nn.Linear;
  readonly c_proj: nn.Linear;

  constructor(
    private readonly width: number,
    private readonly heads: number,
    dtype: DType,
  ) {
    super();
    this.c_attn = new nn.Linear(width, 3 * width, { dtype });
    this.c_proj = new nn.Linear(width, width, { dtype });
  }

  forward(x: Tensor): Tensor {
    const { width, heads } = this;
    const [samples = 0, length = 0] = x.shape;
    const all = this.c_attn.forward(x);
    const [q, k, v] = [0, 1, 2].map((i) =>
      all
        .slice([[], [], [i * width, (i + 1) * width]])
        .reshape(samples, length, heads, width / heads)
        .transpose(1, 2),
    ) as [Tensor, Tensor, Tensor];
    const mixed = scaledDotProductAttention(q, k, v, { causal: true });
    return this.c_proj.forward(mixed.transpose(1, 2).reshape(samples, length, width));
  }
}

class MLP extends nn.Module {
  readonly c_fc: nn.Linear;
  readonly gelu = new nn.GELU({ approximate: 'tanh' });
  readonly c_proj: nn.Linear;

  constructor(width: number, dtype: DType) {
    super();
    this.c_fc = new nn.Linear(width, 4 * width, { dtype });
    this.c_proj = new nn.Linear(4 * width, width, { dtype });
  }

  forward(x: Tensor): Tensor {
    return this.c_proj.forward(this.gelu.forward(this.c_fc.forward(x)));
  }
}

class Block extends nn.Module {
  readonly ln_1: nn.LayerNorm;
  readonly attn: CausalSelfAttention;
  readonly ln_2: nn.LayerNorm;
  readonly mlp: MLP;

  constructor({ width, heads }: GPTShape, dtype: DType) {
    super();
    this.ln_1 = new nn.LayerNorm(width, { dtype });
    this.attn = new CausalSelfAttention(width, heads, dtype);
    this.ln_2 = new nn.LayerNorm(width, { dtype });
    this.mlp = new MLP(width, dtype);
  }

  forward(x: Tensor): Tensor {
    const mixed = x.add(this.attn.forward(this.ln_1.forward(x)));
    return mixed.add(this.mlp.forward(this.ln_2.forward(mixed)));
  }
}

/** GPT-2 (Radford et al. 2019) with the names of nanoGPT, and one weight for tokens and logits: [N, T] -> [N, T, vocabulary] */
export class GPT extends nn.Module {
  readonly transformer: {
    readonly wte: nn.Embedding;
    readonly wpe: nn.LearnedEncoding;
    readonly h: readonly Block[];
    readonly ln_f: nn.LayerNorm;
  };
  readonly lm_head: nn.Linear;

  constructor(shape: GPTShape, dtype: DType = 'float32') {
    super();
    const { vocabulary, context, width, layers } = shape;
    this.transformer = {
      wte: new nn.Embedding(vocabulary, width, { dtype }),
      wpe: new nn.LearnedEncoding(context, width, { dtype }),
      h: Array.from({ length: layers }, () => new Block(shape, dtype)),
      ln_f: new nn.LayerNorm(width, { dtype }),
    };
    this.lm_head = new nn.Linear(width, vocabulary, { bias: false, dtype });
    // Tied: both fields hold the same parameter.
    Object.assign(this.lm_head, { weight: this.transformer.wte.weight });
  }

  forward(tokens: Tensor): Tensor {
    const { wte, wpe, h, ln_f } = this.transformer;
    const encoded = h.reduce((x, block) => block.forward(x), wpe.forward(wte.forward(tokens)));
    return this.lm_head.forward(ln_f.forward(encoded));
  }
}
