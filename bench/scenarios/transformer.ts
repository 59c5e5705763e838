import { nn, type Tensor } from 'chainrule';
import type { Scenario } from '../scenario.js';

/** Scaled dot-product attention of several heads, then two dense layers, both with residual paths. */
class Block extends nn.Module {
  readonly queries: nn.Linear;
  readonly keys: nn.Linear;
  readonly values: nn.Linear;
  readonly mix: nn.Linear;
  readonly first: nn.Linear;
  readonly second: nn.Linear;

  constructor(
    width: number,
    private readonly heads: number,
  ) {
    super();
    this.queries = new nn.Linear(width, width);
    this.keys = new nn.Linear(width, width);
    this.values = new nn.Linear(width, width);
    this.mix = new nn.Linear(width, width);
    this.first = new nn.Linear(width, 4 * width);
    this.second = new nn.Linear(4 * width, width);
  }

  forward(x: Tensor): Tensor {
    const [batch, length, width] = x.shape as [number, number, number];
    const split = (y: Tensor) => y.reshape([batch, length, this.heads, -1]).permute([0, 2, 1, 3]);
    const [q, k, v] = [this.queries, this.keys, this.values].map((layer) => split(layer.forward(x)));
    const scores = (q as Tensor).matmul(k as Tensor, { transposeB: true });
    const weights = scores.div(Math.sqrt(width / this.heads)).softmax();
    const seen = weights
      .matmul(v as Tensor)
      .permute([0, 2, 1, 3])
      .reshape(x.shape);
    const attended = x.add(this.mix.forward(seen));
    return attended.add(this.second.forward(this.first.forward(attended).relu()));
  }
}

/** Two blocks over 64 positions, whose mean is classified. */
class Transformer extends nn.Module {
  blocks = [new Block(128, 4), new Block(128, 4)];
  head = new nn.Linear(128, 10);

  forward(x: Tensor): Tensor {
    return this.head.forward(this.blocks.reduce((value, block) => block.forward(value), x).mean(1));
  }
}

export const transformer: Scenario = {
  name: 'transformer',
  title: '2 blocks, 4 heads of 32, 64 positions',
  batchSize: 32,
  input: [64, 128],
  classes: 10,
  model: () => new Transformer(),
};
