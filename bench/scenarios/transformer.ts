import { nn, type Tensor } from 'chainrule';
import type { Scenario } from '../scenario.js';

/** Two encoder layers over 64 positions, whose mean is classified. */
class Transformer extends nn.Module {
  blocks = [1, 2].map(() => new nn.TransformerEncoderLayer(128, 4, { dimFeedforward: 512, dropout: 0 }));
  head = new nn.Linear(128, 10);

  forward(x: Tensor): Tensor {
    return this.head.forward(this.blocks.reduce((value, block) => block.forward(value), x).mean(1));
  }
}

export const transformer: Scenario = {
  name: 'transformer',
  title: '2 encoder layers, 4 heads of 32, 64 positions',
  batchSize: 32,
  input: [64, 128],
  classes: 10,
  model: () => new Transformer(),
};
