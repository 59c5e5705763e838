import { add, concat, gelu, mul, nn, relu, silu, type Tensor } from 'chainrule';

// Ports of the models of scripts/fixtures/models_and_arrays/port_check.py, any part of which a test replaces by a wrong one.

type Activation = (x: Tensor) => Tensor;

/** `ConvNet` of the fixture. */
export class ConvNet extends nn.Module {
  conv1: nn.Module = new nn.Conv2d(3, 6, 3, { padding: 1, paddingMode: 'reflect' });
  bn1: nn.Module = new nn.BatchNorm2d(6, { eps: 1e-3 });
  act1: nn.Module = new nn.LeakyReLU(0.2);
  pool: nn.Module = new nn.AvgPool2d(3, { stride: 2, padding: 1 });
  conv2: nn.Module = new nn.Conv2d(6, 6, 3, { stride: 2, padding: 1 });
  norm: nn.Module = new nn.GroupNorm(3, 6);
  act2: nn.Module = new nn.GELU({ approximate: 'tanh' });
  drop: nn.Module = new nn.Dropout(0.3);
  flatten: nn.Module = new nn.Flatten({ order: 'channelsFirst' });
  fc: nn.Module = new nn.Linear(54, 5);
  probabilities: nn.Module = new nn.LogSoftmax();

  forward(x: Tensor): Tensor {
    const chain = [
      this.conv1,
      this.bn1,
      this.act1,
      this.pool,
      this.conv2,
      this.norm,
      this.act2,
      this.drop,
      this.flatten,
      this.fc,
      this.probabilities,
    ];
    return chain.reduce((value, layer) => layer.forward(value), x);
  }
}

class Block extends nn.Module {
  readonly fc = new nn.Linear(8, 8);

  constructor(private readonly isResidual: boolean) {
    super();
  }

  forward(x: Tensor): Tensor {
    const inner = silu(this.fc.forward(x));
    return this.isResidual ? add(x, inner) : inner;
  }
}

/** `Perceptron` of the fixture. */
export class Perceptron extends nn.Module {
  fc1: nn.Module = new nn.Linear(8, 8);
  norm: nn.Module = new nn.LayerNorm(8, { eps: 1e-3 });
  fc2: nn.Module = new nn.Linear(8, 8);
  block: nn.Module;
  out: nn.Module = new nn.Linear(8, 4);
  activation: Activation = (x) => gelu(x);

  constructor(isResidual = true) {
    super();
    this.block = new Block(isResidual);
  }

  forward(x: Tensor): Tensor {
    const hidden = this.activation(this.norm.forward(this.fc1.forward(x)));
    return this.out.forward(this.block.forward(this.fc2.forward(hidden)));
  }
}

/** `Recurrent` of the fixture. */
export class Recurrent extends nn.Module {
  embedding: nn.Module = new nn.Embedding(11, 6);
  lstm: nn.LSTM = new nn.LSTM(6, 5, { numLayers: 2 });
  gru: nn.Module = new nn.GRU(5, 4);
  head: nn.Module = new nn.Linear(4, 3);
  scale = Math.sqrt(6);

  forward(x: Tensor): Tensor {
    const { output } = this.lstm.run(mul(this.embedding.forward(x), this.scale));
    const all = this.gru.forward(output);
    return this.head.forward(all.slice([[], [-1]]).squeeze(1));
  }
}

/** `ResetFirst` of the fixture, whose GRU is not the usual one: no port by `nn.GRU` is right. */
export class ResetFirst extends nn.Module {
  gru = new nn.GRU(3, 4);

  forward(x: Tensor): Tensor {
    return this.gru.forward(x);
  }
}

/** `Transformer` of the fixture. */
export class Transformer extends nn.Module {
  readonly encoder: nn.TransformerEncoderLayer;
  norm = new nn.LayerNorm(8);
  head = new nn.Linear(8, 5);

  constructor(options: nn.TransformerLayerOptions = {}) {
    super();
    const original = { dimFeedforward: 16, activation: 'gelu', normFirst: true, causal: true } as const;
    this.encoder = new nn.TransformerEncoderLayer(8, 2, { ...original, ...options });
  }

  forward(x: Tensor): Tensor {
    return this.head.forward(this.norm.forward(this.encoder.forward(x)));
  }
}

/** `UNet` of the fixture. */
export class UNet extends nn.Module {
  down: nn.Module = new nn.Conv2d(3, 4, 3, { padding: 1 });
  pool: nn.Module = new nn.MaxPool2d(2, { ceilMode: true });
  middle: nn.Module = new nn.Conv2d(4, 4, 3, { padding: 2, dilation: 2 });
  up: nn.Module = new nn.Upsample({ size: [9, 9], mode: 'bilinear', alignCorners: true });
  merge: nn.Module = new nn.Conv2d(8, 4, 3, { padding: 1 });
  act: nn.Module = new nn.ReLU();
  out: nn.Module = new nn.ConvTranspose2d(4, 2, 2, { stride: 2 });
  join = (deep: Tensor, skip: Tensor): Tensor => concat([deep, skip], -1);

  forward(x: Tensor): Tensor {
    const skip = relu(this.down.forward(x));
    const deep = this.up.forward(relu(this.middle.forward(this.pool.forward(skip))));
    return this.out.forward(this.act.forward(this.merge.forward(this.join(deep, skip))));
  }
}
