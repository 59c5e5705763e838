import { data, matmul, nn, optim, type Tensor, Trainer, type TrainerOptions } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { batchLoss } from '#lib/nn/losses/batch-loss.js';
import { addon } from '#lib/runtime/addon.js';
import { prepareTraining } from '#lib/train/prepare/jobs.js';
import { inModes, trainingModes } from '#lib/train/prepare/mode.js';
import { TrainerMemory } from '#lib/train/prepare/trainer-memory.js';
import { LONG, sampled } from '../../helpers/long.js';
import { hashOf } from '../../helpers/runs.js';
import { collect, images, mlp, points } from '../../helpers/training.js';

const { ownProducts } = addon().constants.sums;

/** A model with a loop. */
class Recurrent extends nn.Module {
  readonly lstm = new nn.LSTM(2, 4);
  readonly head = new nn.Linear(4, 3);

  forward(x: Tensor): Tensor {
    const [hidden] = this.lstm.run(x.reshape([-1, 3, 2])).state as [Tensor, Tensor];
    return this.head.forward(hidden.squeeze(0));
  }
}

/** So many queries take the kernel. */
const TOKENS = 33;
const tokens = (length: number) => points(length, { features: 2 * TOKENS });

/** Drops weights of attention at random. */
class Attending extends nn.Module {
  readonly embed = new nn.Linear(2, 64);
  readonly attention = new nn.MultiheadAttention(64, 2, { dropout: 0.5 });
  readonly head = new nn.Linear(64 * TOKENS, 3);

  forward(x: Tensor): Tensor {
    const embedded = this.embed.forward(x.reshape([-1, TOKENS, 2]));
    return this.head.forward(this.attention.forward(embedded).reshape([-1, 64 * TOKENS]));
  }
}

/** Compares samples with learned points, which are normalised themselves. */
class Prototypes extends nn.Module {
  readonly layer = new nn.Linear(6, 8);
  readonly points = new nn.Embedding(3, 8);
  readonly norm = new nn.BatchNorm1d(8);

  forward(x: Tensor): Tensor {
    return matmul(this.layer.forward(x), this.norm.forward(this.points.weight), { transposeB: true });
  }
}

describe('a training', () => {
  const prepared = (model: nn.Module, samples: data.Dataset, shards: number, batchSize = 48, workers = 3) => {
    const optimizer = optim.sgd({ lr: 0.1 });
    const loss = batchLoss('Trainer', nn.crossEntropy);
    const context = {
      ...{ workers, shards, seed: 1, model: model.init(1), loss, optimizer, metrics: {} },
      modes: trainingModes(model),
      ...new TrainerMemory(model, optimizer).current(),
    };
    const { rows, plans } = inModes(context.modes, () =>
      prepareTraining(context, samples, { batchSize }),
    ).atOnce;
    return { rows, counts: [...plans.keys()].sort((a, b) => a - b) };
  };
  const dense = points(48);

  it.runIf(ownProducts)('computes those at once that a worker adds up', () => {
    // 16 shards on 3 workers are 5, 5 and 6: 0-3 4; 5 6-7 8-9; 10-11 12-15.
    expect(prepared(mlp(), dense, 16)).toEqual({ rows: 3, counts: [2, 4] });
    expect(prepared(mlp(), dense, 16, 48, 1).counts).toEqual([16]);
    expect(prepared(mlp(), points(128), 128, 128, 1)).toEqual({ rows: 1, counts: [64] });
  });

  it('computes them one after another if they have different sizes, or if there is little to gain', () => {
    expect(prepared(mlp(), dense, 16, 40).counts).toEqual([]);
    expect(prepared(new Recurrent(), dense, 16).counts).toEqual([]);
    expect(prepared(new Attending(), tokens(48), 16).counts).toEqual([]);
    // 16 images of 64 pixels use the weights 1024 times.
    const onImages = (norm: nn.Module) =>
      new nn.Sequential(
        new nn.Conv2d(1, 4, 3, { padding: 1 }),
        norm,
        new nn.Flatten(),
        new nn.Linear(256, 4),
      );
    expect(prepared(onImages(new nn.Identity()), images(64), 4, 64, 2).counts).toEqual([]);
    // Shards that meet on the way gain in any case.
    const meeting = prepared(onImages(new nn.BatchNorm2d(4)), images(64), 4, 64, 2).counts;
    expect(meeting).toEqual(ownProducts ? [2] : []);
  });

  const embedding = () =>
    new nn.Sequential(
      new nn.Embedding(11, 8),
      new nn.Flatten(),
      new nn.Linear(24, 64),
      new nn.ReLU(),
      new nn.Linear(64, 3),
    );
  const words = data.fromArrays(
    Int32Array.from({ length: 3 * 80 }, (_, i) => (i * i) % 11),
    Int32Array.from({ length: 80 }, (_, i) => i % 3),
    { inputs: { shape: [3] } },
  );
  const dropping = () => new nn.Sequential(new nn.Linear(6, 64), new nn.Dropout(0.3), new nn.Linear(64, 3));
  const normalised = (statistics: 'batch' | 'shard') => () =>
    new nn.Sequential(
      new nn.Linear(6, 64),
      new nn.BatchNorm1d(64, { statistics }),
      new nn.LayerNorm(64),
      new nn.Linear(64, 3),
    );
  const convolutional = () =>
    new nn.Sequential(
      new nn.Conv2d(1, 2, 3),
      new nn.ReLU(),
      new nn.Flatten(),
      new nn.Linear(72, 256),
      new nn.Linear(256, 4),
    );
  const pooled = () =>
    new nn.Sequential(
      new nn.Conv2d(1, 8, 3, { padding: 1 }),
      new nn.BatchNorm2d(8),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(8, 8, 3, { padding: 1 }),
      new nn.ReLU(),
      new nn.AvgPool2d(2),
      new nn.Flatten(),
      new nn.Linear(32, 4),
    );
  const weighted = nn.crossEntropy.with({ weight: [1, 0.3, 2] });
  const streamed = data.stream(
    function* () {
      for (let i = 0; i < 72; i++)
        yield { inputs: [i % 2, (i % 7) / 7, 1, 0, (i % 5) / 5, 1], target: i % 3 };
    },
    { inputs: { shape: [6] }, targets: { dtype: 'int32' }, length: 72 },
  );

  type Case = [
    string,
    () => nn.Module,
    Parameters<Trainer['fit']>[0],
    optim.Optimizer,
    TrainerOptions['loss'],
  ];
  const cases: readonly Case[] = [
    ['where the shards of the last batch are smaller', mlp, points(72), optim.adam(), nn.crossEntropy],
    ['from a stream', mlp, streamed, optim.adam(), nn.crossEntropy],
    ['with weights that are accumulated', mlp, points(80), optim.adam({ accumulate: 2 }), weighted],
    [
      'with dropout, and a norm that is clipped',
      dropping,
      points(80),
      optim.adamW({ clipNorm: 0.1 }),
      nn.crossEntropy,
    ],
    [
      'with normalisation of shards and of rows',
      normalised('shard'),
      points(80),
      optim.sgd({ lr: 0.1 }),
      nn.crossEntropy,
    ],
    ['with normalisation of the batch', normalised('batch'), points(72), optim.adam(), nn.crossEntropy],
    ['with convolutions, pools and normalisation', pooled, images(72), optim.adam(), nn.crossEntropy],
    ['with normalisation of a parameter', () => new Prototypes(), points(72), optim.adam(), nn.crossEntropy],
    ['with attention that is dropped', () => new Attending(), tokens(72), optim.adam(), nn.crossEntropy],
    ['with integers, and gradients of an embedding', embedding, words, optim.adam(), nn.crossEntropy],
    ['with convolutions shard by shard', convolutional, images(80), optim.adam(), nn.crossEntropy],
  ];

  it.each(sampled(cases, 2))(
    'has the same bits on any number of workers: %s',
    async (name, model, samples, optimizer, loss) => {
      const run = async (workers: number) => {
        const trainer = new Trainer(model(), { loss, optimizer, workers, shards: 8, seed: 1 });
        await collect(trainer.fit(samples, { batchSize: 32, epochs: 2 }));
        return hashOf(trainer.model);
      };
      const looksAtOnce = ownProducts && !/dropped|stream/.test(name);
      if (looksAtOnce) expect(prepared(model(), samples as data.Dataset, 8, 32, 2).counts).toEqual([4]);
      // On eight workers, each computes one shard.
      const expected = await run(8);
      for (const workers of LONG ? [1, 2, 3, 5] : [3]) expect(await run(workers)).toBe(expected);
    },
  );

  it('has the same bits within a budget that has no room for it', async () => {
    const run = async (memory?: number) => {
      const options = { loss: nn.crossEntropy, optimizer: optim.adam(), workers: 2, shards: 8, seed: 1 };
      const trainer = new Trainer(mlp(6, 3, 256), { ...options, ...(memory ? { memory } : {}) });
      await collect(trainer.fit(points(256), { batchSize: 128 }));
      const { curve, peak } = trainer.plan(points(256), { batchSize: 128 });
      return { hash: hashOf(trainer.model), least: curve.at(-1)?.bytes as number, peak };
    };
    const free = await run();
    expect(free.least).toBeLessThan(free.peak);
    expect((await run(free.least)).hash).toBe(free.hash);
  });
});
