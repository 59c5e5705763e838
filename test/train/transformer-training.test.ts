import { data, nn, optim, type Tensor, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { hashIntegers } from '../helpers/random-graph/random.js';
import { collect, stepLosses } from '../helpers/training.js';

const LENGTH = 6;
const TOKENS = 5;
/** Sequences of tokens; the class is the token whose place is the number of zeros in the sequence. */
const tokens = Int32Array.from(hashIntegers(256 * LENGTH, 1, TOKENS));
const labels = Int32Array.from({ length: 256 }, (_, i) => {
  const sequence = tokens.subarray(i * LENGTH, (i + 1) * LENGTH);
  return sequence[sequence.filter((token) => token === 0).length % LENGTH] as number;
});
const train = data.fromArrays(tokens, labels, { inputs: { shape: [LENGTH] } });

class Classifier extends nn.Module {
  readonly tokens = new nn.Embedding(TOKENS, 16);
  readonly places = new nn.LearnedEncoding(LENGTH, 16);
  readonly encoder: nn.TransformerEncoder;
  readonly head = new nn.Linear(16, TOKENS);

  constructor(dropout: number) {
    super();
    const options = { dimFeedforward: 32, dropout, normFirst: true };
    this.encoder = new nn.TransformerEncoder(2, () => new nn.TransformerEncoderLayer(16, 2, options), {
      norm: new nn.LayerNorm(16),
    });
  }

  forward(x: Tensor): Tensor {
    const encoded = this.encoder.forward(this.places.forward(this.tokens.forward(x)));
    return this.head.forward(encoded.mean(1));
  }
}

async function losses(workers: number, dropout: number, epochs: number): Promise<number[]> {
  const trainer = new Trainer(new Classifier(dropout), {
    loss: nn.crossEntropy,
    optimizer: optim.adam({ lr: 3e-3 }),
    workers,
    shards: workers,
    seed: 4,
  });
  return stepLosses(await collect(trainer.fit(train, { batchSize: 27, epochs })));
}

describe('a transformer in a Trainer', () => {
  it('learns what depends on all positions together', async () => {
    const found = await losses(2, 0, 40);
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
    expect(mean(found.slice(0, 10))).toBeGreaterThan(1.4);
    expect(mean(found.slice(-10))).toBeLessThan(0.7);
  });

  it('takes the same steps on any number of workers, dropout and all', async () => {
    const alone = await losses(1, 0.2, 1);
    expectClose('two workers', await losses(2, 0.2, 1), alone, { relative: 1e-4 });
    expectClose('three workers', await losses(3, 0.2, 1), alone, { relative: 1e-4 });
  });
});
