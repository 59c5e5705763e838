import { concat, data, matmul, nn, optim, type Tensor, Trainer, type TrainerOptions } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { batchLoss } from '#lib/nn/losses/batch-loss.js';
import { prepareTraining } from '#lib/train/prepare/jobs.js';
import { trainingModes } from '#lib/train/prepare/mode.js';
import { TrainerMemory } from '#lib/train/prepare/trainer-memory.js';
import { expectClose } from '../helpers/close.js';
import { LONG, sampled } from '../helpers/long.js';
import { hashOf } from '../helpers/runs.js';
import { collect, mlp, noise, parametersOf, points } from '../helpers/training.js';

const FEATURES = 300;
const HIDDEN = 320;
const BATCH = 48;

/** In float64, so that the order of sums cannot be seen. */
class Linear64 extends nn.Linear {
  constructor(inputs: number, outputs: number, options: nn.LinearOptions = {}) {
    super(inputs, outputs, { ...options, dtype: 'float64' });
  }
}

/** The same layer, whose gradient is a view of a product, so that it is stored. */
class StoredLinear extends Linear64 {
  override forward(x: Tensor): Tensor {
    const weight = this.weight.reshape([-1]).reshape(this.weight.shape);
    const product = matmul(x, weight, { transposeB: true });
    return this.bias ? product.add(this.bias) : product;
  }
}

/** A classifier with a large weight whose factors have 24 rows in any batch. */
class Table extends nn.Module {
  table = new nn.Buffer([24, FEATURES], { value: 0.1 });
  wide = new nn.Linear(FEATURES, HIDDEN);
  last = new nn.Linear(HIDDEN + FEATURES, 3);
  forward(x: Tensor): Tensor {
    const common = this.wide.forward(this.table).tanh().mean([0]);
    const each = common.reshape([1, HIDDEN]).mul(x.mul(0).sum([1], { keepDims: true }).add(1));
    return this.last.forward(concat([each, x], 1));
  }
}

/** A classifier whose first two weights are large enough for their gradients to be computed by the update. */
const wide = (Linear: typeof nn.Linear = nn.Linear): nn.Module =>
  new nn.Sequential(
    new Linear(FEATURES, HIDDEN),
    new nn.ReLU(),
    new Linear(HIDDEN, HIDDEN),
    new nn.Tanh(),
    new Linear(HIDDEN, 3),
  );

const samples = points(3 * BATCH + 21, { features: FEATURES });
const exact = data.fromArrays(
  Float64Array.from(noise(samples.length * FEATURES, 5)),
  Int32Array.from({ length: samples.length }, (_, i) => i % 3),
  { inputs: { shape: [FEATURES] } },
);

const trainerOf = (options: Partial<TrainerOptions> = {}, model: nn.Module = wide()) =>
  new Trainer(model, { loss: nn.crossEntropy, optimizer: optim.adam(), seed: 2, ...options });

interface Cut {
  readonly batchSize?: number;
  readonly shards?: number;
  readonly from?: Parameters<typeof prepareTraining>[1];
}

function prepared(
  model: nn.Module,
  optimizer: optim.Optimizer,
  { batchSize = BATCH, shards = 2, from = samples }: Cut = {},
) {
  const memory = new TrainerMemory(model.init(1), optimizer).current();
  const modes = trainingModes(model);
  const context = {
    workers: 2,
    shards,
    seed: 1,
    model,
    modes,
    loss: batchLoss('Trainer', nn.crossEntropy),
    optimizer,
    metrics: {},
  };
  return prepareTraining({ ...context, ...memory }, from, { batchSize });
}

/** The shapes of the weights whose gradients are not stored. */
const unstored = (...given: Parameters<typeof prepared>) =>
  prepared(...given).factors?.layout.products.map(({ rows, columns }) => [rows, columns]);

describe('the gradients that are left as factors', () => {
  it('are those of large weights, whose factors take less memory', () => {
    expect(unstored(wide(), optim.adam())).toEqual([
      [HIDDEN, FEATURES],
      [HIDDEN, HIDDEN],
    ]);
    expect(unstored(mlp(FEATURES), optim.adam())).toBeUndefined();
    expect(unstored(wide(Linear64), optim.adam(), { from: exact })).toHaveLength(2);
    expect(unstored(wide(StoredLinear), optim.adam(), { from: exact })).toBeUndefined();
    // 320 x 300 / (320 + 300) is 154.8.
    expect(unstored(wide(), optim.adam(), { batchSize: 155 })).toEqual([[HIDDEN, HIDDEN]]);
    expect(unstored(wide(), optim.adam(), { shards: 65, batchSize: 130 })).toBeUndefined();
  });

  it('are none of weights that few workers could share, or whose rows do not fit into a cache', () => {
    const of = (inputs: number, outputs: number) =>
      new nn.Sequential(
        new nn.Linear(FEATURES, inputs),
        new nn.Linear(inputs, outputs),
        new nn.Linear(outputs, 3),
      );
    const cut = { batchSize: 8 };
    expect(unstored(of(100, 1000), optim.adam(), cut)).toEqual([[1000, 100]]);
    expect(unstored(of(1000, 100), optim.adam(), cut)).toEqual([[1000, FEATURES]]);
    expect(unstored(of(40_000, 128), optim.adam(), cut)).toEqual([[40_000, FEATURES]]);
  });

  it('are none whose factors have as many rows whatever the batch, where other batches may come', () => {
    expect(unstored(new Table(), optim.adam(), { batchSize: 24, shards: 1, from: samples.take(48) })).toEqual(
      [[HIDDEN, FEATURES]],
    );
    expect(
      unstored(new Table(), optim.adam(), { batchSize: 24, shards: 1, from: samples.take(34) }),
    ).toBeUndefined();
  });

  it('leave their part of the slots unused', () => {
    const { used, factors, gradients } = prepared(wide(), optim.adam(), { shards: 8 });
    const parts = [...used, ...(factors?.layout.products ?? [])].sort((a, b) => a.start - b.start);
    // The padding behind a weight belongs to neither.
    for (const [i, { start }] of parts.entries()) {
      const end = parts[i - 1]?.end ?? 0;
      expect(start).toBe(Math.ceil(end / 16) * 16);
    }
    expect(parts.at(-1)?.end).toBe(gradients[0]?.elements);
  });

  it.each<[string, optim.Optimizer]>([
    ['are accumulated over steps', optim.adam({ accumulate: 2 })],
    ['are clipped by their norm', optim.adam({ clipNorm: 1 })],
    ['go into a rule that needs a weight whole', optim.adafactor()],
  ])('are none that %s', (_, optimizer) => {
    expect(unstored(wide(), optimizer)).toBeUndefined();
  });

  it('are none of a weight that is used twice', () => {
    class Twice extends nn.Module {
      first = new nn.Linear(FEATURES, FEATURES);
      last = new nn.Linear(FEATURES, 3);
      forward(x: Tensor): Tensor {
        return this.last.forward(this.first.forward(this.first.forward(x).tanh()).tanh());
      }
    }
    expect(unstored(new Twice(), optim.adam())).toBeUndefined();
  });

  it('are those of a layer that is applied to several rows of each sample', () => {
    class Sequences extends nn.Module {
      wide = new nn.Linear(60, 1200);
      last = new nn.Linear(1200, 3);
      forward(x: Tensor): Tensor {
        return this.last.forward(
          this.wide
            .forward(x.reshape([-1, 5, 60]))
            .tanh()
            .mean([1]),
        );
      }
    }
    expect(unstored(new Sequences(), optim.adam(), { batchSize: 10 })).toEqual([[1200, 60]]);
    expect(unstored(new Sequences(), optim.adam(), { batchSize: 12 })).toBeUndefined();
  });
});

const optimizers: Record<string, () => optim.Optimizer> = {
  'SGD with momentum': () => optim.sgd({ lr: 0.05, momentum: 0.9 }),
  'AdamW with clipped values': () => optim.adam({ weightDecay: 0.01, clipValue: 0.01 }),
  'moving averages': () => optim.sgd({ lr: 0.05, average: 0.9 }),
  groups: () => optim.adam({ groups: [{ match: /^2/, lr: 0.01 }] }),
  'a rule that needs one weight whole': () => {
    const { rule, schedule } = optim.adam();
    const whole = optim.adafactor();
    return new optim.Optimizer(rule, schedule, {}, [
      { match: /^0/, rule: whole.rule, schedule: whole.schedule },
    ]);
  },
};

/** The model after two epochs. */
async function trained(
  options: Partial<TrainerOptions>,
  model = wide(),
  from: Parameters<Trainer['fit']>[0] = samples,
): Promise<nn.Module> {
  const trainer = trainerOf(options, model);
  await collect(trainer.fit(from, { batchSize: BATCH, epochs: 2 }));
  return trainer.model;
}

/** Compares what a training leaves with what it leaves where all gradients are stored. */
async function compared(run: (Linear: typeof nn.Linear) => Promise<nn.Module>) {
  const [own, stored] = [await run(Linear64), await run(StoredLinear)];
  expectClose('parameters', parametersOf(own), parametersOf(stored), { relative: 1e-9 });
}

describe('training with gradients that are not stored', () => {
  it.each(LONG ? [1, 2, 3, 8, 16] : [3, 16])(
    'in %i shards has the same bits on any number of workers',
    async (shards) => {
      const models = await Promise.all(
        (LONG ? [1, 2, 5] : [1, 5]).map((workers) => trained({ workers, shards })),
      );
      expect(new Set(models.map(hashOf)).size).toBe(1);
      await compared((Linear) => trained({ workers: 2, shards }, wide(Linear), exact));
    },
  );

  it.each(sampled(Object.entries(optimizers), 2))('has the values of stored ones: %s', async (_, make) => {
    await compared((Linear) => trained({ workers: 2, shards: 4, optimizer: make() }, wide(Linear), exact));
  });

  it('has them with a loss that divides by a weight, and among convolutions', async () => {
    const dtype = 'float64';
    class Images extends nn.Module {
      conv = new nn.Conv2d(3, 4, 3, { padding: 1, dtype });
      norm = new nn.BatchNorm2d(4, { dtype });
      wide: nn.Linear;
      drop = new nn.Dropout(0.2);
      last = new nn.Linear(300, 3, { dtype });
      constructor(Linear: typeof nn.Linear) {
        super();
        this.wide = new Linear(400, 300);
      }
      forward(x: Tensor): Tensor {
        const maps = this.norm.forward(this.conv.forward(x.reshape([-1, 10, 10, 3]))).relu();
        return this.last.forward(this.drop.forward(this.wide.forward(maps.flatten(1)).relu()));
      }
    }
    const loss = nn.crossEntropy.with({ weight: [1, 2, 3] });
    expect(unstored(new Images(Linear64), optim.adam(), { from: exact })).toEqual([[300, 400]]);
    await compared((Linear) => trained({ workers: 2, shards: 3, loss }, new Images(Linear), exact));
  });

  it('of a stream, is that of other data, whatever the last batch is', async () => {
    const values = noise(34 * FEATURES, 5);
    const labels = Int32Array.from({ length: 34 }, (_, i) => i % 3);
    const items = Array.from(labels, (target, i) => ({
      inputs: values.subarray(i * FEATURES, (i + 1) * FEATURES),
      target,
    }));
    const run = async (from: Parameters<Trainer['fit']>[0]) => {
      const trainer = trainerOf({ workers: 1, shards: 1 }, new Table());
      await collect(trainer.fit(from, { batchSize: 24, shuffle: false }));
      return hashOf(trainer.model);
    };
    const inputs = { shape: [FEATURES] };
    expect(await run(data.stream(() => items, { inputs }))).toBe(
      await run(data.fromArrays(values, labels, { inputs })),
    );
  });

  it('has them with a stream, the last batch of which has other shards', async () => {
    const values = Float64Array.from(noise(samples.length * FEATURES, 5));
    const items = Array.from({ length: samples.length }, (_, i) => ({
      inputs: values.subarray(i * FEATURES, (i + 1) * FEATURES),
      target: i % 3,
    }));
    const from = () => data.stream(() => items, { inputs: { shape: [FEATURES], dtype: 'float64' } });
    await compared((Linear) => trained({ workers: 2, shards: 4 }, wide(Linear), from()));
  });

  it('goes on in another call of fit', async () => {
    const whole = trainerOf({ workers: 2, shards: 4 });
    await collect(whole.fit(samples, { batchSize: BATCH, epochs: 2 }));
    const stopped = trainerOf({ workers: 2, shards: 4 });
    await collect(stopped.fit(samples, { batchSize: BATCH, epochs: 1 }));
    await collect(stopped.fit(samples, { batchSize: BATCH, epochs: 1 }));
    expect(hashOf(stopped.model)).toBe(hashOf(whole.model));
  });

  it('takes less memory than with stored ones, as `plan` tells', () => {
    const gradientsOf = (model: nn.Module) =>
      trainerOf({ workers: 2, shards: 2 }, model).plan(exact, { batchSize: BATCH }).shared.gradients;
    const factors = 8 * BATCH * (FEATURES + HIDDEN + HIDDEN + HIDDEN);
    const weights = 8 * 2 * (FEATURES * HIDDEN + HIDDEN * HIDDEN);
    const difference = gradientsOf(wide(StoredLinear)) - gradientsOf(wide(Linear64));
    expect(difference).toBeGreaterThan(weights - factors - 1024);
    expect(difference).toBeLessThan(weights - factors + 1024);
  });
});

describe('gradients that are not stored, and may be too large', () => {
  const [features, classes] = [300, 256];
  const large = (magnitude: number) => {
    const x = noise(8 * features, 3).map((value) => value * magnitude);
    return data.fromArrays(x, new Float32Array(8 * classes), {
      inputs: { shape: [features] },
      targets: { shape: [classes] },
    });
  };
  const make = (slope: number, init = nn.init.uniform(-0.1, 0.1)) => {
    const model = new nn.Sequential(new nn.Linear(features, classes, { bias: false, init })).init(1);
    const loss = (output: Tensor, target: Tensor) => output.sub(target).mul(slope).mean();
    return new Trainer(model, { loss, optimizer: optim.sgd({ lr: 1e-3 }), workers: 2, shards: 2, seed: 1 });
  };

  it('are used if they are finite, although their factors do not tell', async () => {
    const trainer = make(1e-12);
    const before = parametersOf(trainer.model);
    await collect(trainer.fit(large(1e22), { batchSize: 8 }));
    // The slope of each output is 1e-12 divided by their number, and the rate is 1e-3.
    const steps = parametersOf(trainer.model).map((value, i) => (before[i] as number) - value);
    const x = noise(8 * features, 3);
    const column = (i: number) =>
      [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, row) => sum + (x[row * features + i] as number), 0);
    const expected = steps.map((_, i) => (1e7 * column(i % features)) / (8 * classes));
    expectClose('steps', steps, expected, { relative: 1e-4, floor: 1e3 });
  });

  it('are used in float64, too, where the product of their factors overflows', async () => {
    const x = Float64Array.from(noise(8 * features, 3), (value) => value * 1e160);
    const form = { inputs: { shape: [features] }, targets: { shape: [classes] } };
    const from = data.fromArrays(x, new Float64Array(8 * classes), form);
    const model = new nn.Sequential(new nn.Linear(features, classes, { bias: false, dtype: 'float64' })).init(
      1,
    );
    const loss = (output: Tensor, target: Tensor) => output.sub(target).mul(1e-150).mean();
    const options = { loss, optimizer: optim.sgd({ lr: 1e-3 }), workers: 2, shards: 2, seed: 1 };
    const before = hashOf(model);
    const [epoch] = await collect(new Trainer(model, options).fit(from, { batchSize: 8 }));
    expect(epoch?.stepLosses[0]).toBeTypeOf('number');
    expect(hashOf(model)).not.toBe(before);
  });

  it('are refused if one is not finite, before anything is updated', async () => {
    const trainer = make(1e6, nn.init.zeros);
    const before = hashOf(trainer.model);
    const [epoch] = await collect(trainer.fit(large(3e38), { batchSize: 8, nonFinite: 'skip' }));
    expect([...(epoch?.stepLosses ?? [])]).toEqual([Number.NaN]);
    expect(hashOf(trainer.model)).toBe(before);
    await expect(collect(trainer.fit(large(3e38), { batchSize: 8 }))).rejects.toThrow(/gradient/);
    expect(hashOf(trainer.model)).toBe(before);
  });
});
