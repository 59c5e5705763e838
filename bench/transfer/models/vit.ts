import { concat, type DType, nn, type Tensor } from '../../../lib/index.js';

export interface ViTShape {
  /** Side of an image. */
  readonly image: number;
  /** Side of a patch. */
  readonly patch: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly classes: number;
}

class EncoderBlock extends nn.Module {
  readonly ln_1: nn.LayerNorm;
  readonly self_attention: nn.MultiheadAttention;
  readonly dropout = new nn.Dropout(0);
  readonly ln_2: nn.LayerNorm;
  readonly mlp: nn.Sequential;

  constructor({ width, heads }: ViTShape, dtype: DType) {
    super();
    this.ln_1 = new nn.LayerNorm(width, { eps: 1e-6, dtype });
    this.self_attention = new nn.MultiheadAttention(width, heads, { dtype });
    this.ln_2 = new nn.LayerNorm(width, { eps: 1e-6, dtype });
    this.mlp = new nn.Sequential(
      new nn.Linear(width, 4 * width, { dtype }),
      new nn.GELU(),
      new nn.Dropout(0),
      new nn.Linear(4 * width, width, { dtype }),
      new nn.Dropout(0),
    );
  }

  forward(x: Tensor): Tensor {
    const mixed = this.dropout.forward(this.self_attention.forward(this.ln_1.forward(x)));
    const between = x.add(mixed);
    return between.add(this.mlp.forward(this.ln_2.forward(between)));
  }
}

class Encoder extends nn.Module {
  readonly pos_embedding: nn.Parameter;
  readonly dropout = new nn.Dropout(0);
  readonly layers: Readonly<Record<string, EncoderBlock>>;
  readonly ln: nn.LayerNorm;

  constructor(shape: ViTShape, dtype: DType) {
    super();
    const { image, patch, width, layers } = shape;
    const tokens = (image / patch) ** 2 + 1;
    this.pos_embedding = new nn.Parameter([1, tokens, width], { init: nn.init.normal(0, 0.02), dtype });
    this.layers = Object.fromEntries(
      Array.from({ length: layers }, (_, i) => [`encoder_layer_${i}`, new EncoderBlock(shape, dtype)]),
    );
    this.ln = new nn.LayerNorm(width, { eps: 1e-6, dtype });
  }

  forward(x: Tensor): Tensor {
    const placed = this.dropout.forward(x.add(this.pos_embedding));
    return this.ln.forward(Object.values(this.layers).reduce((y, layer) => layer.forward(y), placed));
  }
}

/** A vision transformer (Dosovitskiy et al. 2021) with the names of torchvision: [N, H, W, 3] -> [N, classes] */
export class VisionTransformer extends nn.Module {
  readonly class_token: nn.Parameter;
  readonly conv_proj: nn.Conv2d;
  readonly encoder: Encoder;
  readonly heads: { readonly head: nn.Linear };

  constructor(shape: ViTShape, dtype: DType = 'float32') {
    super();
    const { patch, width, classes } = shape;
    this.class_token = new nn.Parameter([1, 1, width], { init: nn.init.zeros, dtype });
    this.conv_proj = new nn.Conv2d(3, width, patch, { stride: patch, dtype });
    this.encoder = new Encoder(shape, dtype);
    this.heads = { head: new nn.Linear(width, classes, { dtype }) };
  }

  forward(images: Tensor): Tensor {
    const patches = this.conv_proj.forward(images).flatten(1, 2);
    const [samples = 0, , width = 0] = patches.shape;
    const first = this.class_token.expand(samples, 1, width);
    const encoded = this.encoder.forward(concat([first, patches], 1));
    return this.heads.head.forward(encoded.slice([[], [0, 1]]).squeeze(1));
  }
}
