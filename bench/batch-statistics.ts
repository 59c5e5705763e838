import { data, nn, optim, type Tensor, Trainer } from 'chainrule';

/** Accuracy on test digits of a network with batch normalisation, by what its statistics are taken of. */
export interface StatisticsResult {
  readonly statistics: 'batch' | 'shard';
  readonly shards: number;
  /** Shares of the test digits, one for each seed. */
  readonly accuracies: readonly number[];
}

export interface StatisticsOptions {
  readonly shards?: readonly number[];
  readonly seeds?: readonly number[];
  /** Digits to train on, and to test with. */
  readonly train?: number;
  readonly test?: number;
  readonly epochs?: number;
}

const BATCH = 64;

/** Two convolutions and a dense layer with batch normalisation, and a dense layer behind them. */
class Net extends nn.Module {
  conv1 = new nn.Conv2d(1, 8, 3, { padding: 1, bias: false });
  norm1: nn.BatchNorm2d;
  conv2 = new nn.Conv2d(8, 16, 3, { padding: 1, bias: false });
  norm2: nn.BatchNorm2d;
  fc1 = new nn.Linear(16 * 7 * 7, 32, { bias: false });
  norm3: nn.BatchNorm1d;
  fc2 = new nn.Linear(32, 10);

  constructor(statistics: 'batch' | 'shard') {
    super();
    this.norm1 = new nn.BatchNorm2d(8, { statistics });
    this.norm2 = new nn.BatchNorm2d(16, { statistics });
    this.norm3 = new nn.BatchNorm1d(32, { statistics });
  }

  forward(x: Tensor): Tensor {
    const first = nn.maxPool2d(this.norm1.forward(this.conv1.forward(x.div(255))).relu(), 2);
    const second = nn.maxPool2d(this.norm2.forward(this.conv2.forward(first)).relu(), 2);
    return this.fc2.forward(this.norm3.forward(this.fc1.forward(second.flatten(1))).relu());
  }
}

/** Trains on MNIST with every number of shards, and both kinds of statistics. */
export async function* runBatchStatistics({
  shards = [1, 8, 32],
  seeds = [1, 2, 3, 4, 5],
  train = 20_000,
  test = 10_000,
  epochs = 2,
}: StatisticsOptions = {}): AsyncGenerator<StatisticsResult> {
  const mnist = await data.mnist();
  const [samples, digits] = [mnist.train.take(train), mnist.test.take(test)];
  for (const statistics of ['batch', 'shard'] as const) {
    for (const count of shards) {
      const accuracies: number[] = [];
      for (const seed of seeds) {
        const optimizer = optim.adam({ lr: 2e-3 });
        const trainer = new Trainer(new Net(statistics), {
          loss: nn.crossEntropy,
          optimizer,
          shards: count,
          seed,
        });
        for await (const _ of trainer.fit(samples, { batchSize: BATCH, epochs, dropLast: true })) {
          // Only the last epoch counts.
        }
        const { accuracy = 0 } = await trainer.evaluate(digits, { batchSize: 500 });
        accuracies.push(accuracy);
      }
      yield { statistics, shards: count, accuracies };
    }
  }
}
