import { data, nn, optim, stopGradient, type Tensor, Trainer, type TrainerOptions } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { decode, type Recorded, readFixture } from '../helpers/fixtures.js';
import { LONG, sampled } from '../helpers/long.js';
import { hashUniform } from '../helpers/random-graph/random.js';
import { hashOf } from '../helpers/runs.js';
import { collect } from '../helpers/training.js';

interface Run {
  readonly losses: Recorded;
  readonly parameters: Recorded;
}

const recorded = readFixture<Record<string, Run>>('ratios');

const LABELS = [2, 0, -100, 3, 1, 0, -100, 2, -100, 3, 0];
const ROWS = LABELS.length;
const weight = [1, 10, 0.5, 3];
const ignoreIndex = -100;

const inputs = Float64Array.from(hashUniform(ROWS * 3, 1, -2, 2));
const samplesOf = (labels: readonly number[]) =>
  data.fromArrays(inputs.slice(0, 3 * labels.length), Int32Array.from(labels), { inputs: { shape: [3] } });
const samples = samplesOf(LABELS);

/** A linear layer in float64 with PyTorch's initial values. */
function linear(): nn.Linear {
  const model = new nn.Linear(3, 4, { dtype: 'float64' }).init(0);
  [...model.parameters()].forEach(({ storage, size }, i) => {
    storage.data.set(hashUniform(size, i + 2, -2, 2));
  });
  return model;
}

interface Training {
  readonly loss: TrainerOptions['loss'];
  readonly shards?: number;
  readonly workers?: number;
  readonly batchSize?: number;
  readonly epochs?: number;
  readonly samples?: data.Dataset;
  readonly options?: Partial<optim.SgdOptions>;
  readonly fit?: Parameters<Trainer['fit']>[1];
}

/** The parameters and the losses of a training. */
async function train({ loss, shards = 1, workers = 1, batchSize = 6, epochs = 2, ...rest }: Training) {
  const model = linear();
  const optimizer = optim.sgd({ lr: 0.1, ...rest.options });
  const trainer = new Trainer(model, { loss, optimizer, shards, workers });
  const results = await collect(
    trainer.fit(rest.samples ?? samples, { batchSize, epochs, shuffle: false, ...rest.fit }),
  );
  const parameters = model.parameters().flatMap(({ storage }) => [...storage.data]);
  return {
    parameters,
    results,
    losses: results.flatMap(({ stepLosses }) => [...stepLosses]),
    hash: hashOf(model),
  };
}

const losses: Record<string, Training['loss']> = {
  weight: nn.crossEntropy.with({ weight }),
  ignoreIndex: nn.crossEntropy.with({ ignoreIndex }),
  'weight, ignoreIndex and labelSmoothing': nn.crossEntropy.with({
    weight,
    ignoreIndex,
    labelSmoothing: 0.2,
  }),
  nllLoss: (x, y) => nn.nllLoss(nn.logSoftmax(x), y, { weight, ignoreIndex }),
  clipNorm: nn.crossEntropy.with({ weight, ignoreIndex }),
  sum: nn.crossEntropy.with({ weight, ignoreIndex, reduction: 'sum' }),
};

describe('steps of a weighted loss', () => {
  // Every third of 30 has each loss and all numbers of shards.
  const cases = sampled(
    Object.keys(losses).flatMap((name) => [1, 2, 3, 4, 8].map((shards) => [name, shards] as const)),
    3,
  );

  it.each(cases)("are PyTorch's with %s and %i shards", async (name, shards) => {
    const expected = recorded[name] as Run;
    const own = name === 'weight' ? { samples: samplesOf(LABELS.map((label) => Math.max(0, label))) } : {};
    const options = { momentum: 0.9, ...(name === 'clipNorm' ? { clipNorm: 0.1 } : {}) };
    const found = await train({ loss: losses[name] as Training['loss'], shards, options, ...own });
    expectClose('losses', found.losses, [...decode(expected.losses)], { relative: 1e-9 });
    expectClose('parameters', found.parameters, [...decode(expected.parameters)], { relative: 1e-9 });
  });

  it('have the same bits on any number of workers', async () => {
    const loss = losses['weight, ignoreIndex and labelSmoothing'] as Training['loss'];
    const options = { momentum: 0.9, clipNorm: 1, accumulate: 3 };
    const runs = await Promise.all(
      (LONG ? [1, 2, 3, 5] : [1, 5]).map((workers) =>
        train({ loss, shards: 5, workers, options, epochs: 4, batchSize: 4 }),
      ),
    );
    for (const { hash, losses: found } of runs) {
      expect(hash).toBe(runs[0]?.hash);
      expect(found).toEqual(runs[0]?.losses);
    }
  });

  it('are those of a function that only prepares the arguments, and of sums', async () => {
    const expected = await train({ loss: nn.crossEntropy.with({ weight, ignoreIndex }) });
    const wrapped = (x: Tensor, y: Tensor) => nn.crossEntropy(x.add(0), y, { weight, ignoreIndex });
    const sums = (x: Tensor, y: Tensor) => ({
      sum: nn.crossEntropy(x, y, { weight, ignoreIndex, reduction: 'sum' }),
      weight: nn.crossEntropy(x.mul(0), y, { weight, ignoreIndex, reduction: 'sum' }).div(Math.log(4)),
    });
    // A weight that only looks at outputs may be taken as a constant.
    const stopped = (x: Tensor, y: Tensor) => ({ ...sums(x, y), weight: stopGradient(sums(x, y).weight) });
    for (const loss of [wrapped, stopped]) {
      const found = await train({ loss, shards: 3 });
      expectClose('parameters', found.parameters, expected.parameters, { relative: 1e-9 });
      expectClose('losses', found.losses, expected.losses, { relative: 1e-9 });
    }
    await expect(train({ loss: sums })).rejects.toThrow(
      'Trainer: the weight of the loss must not depend on the parameters',
    );
  });
});

describe('weights of 0', () => {
  const none = samplesOf([-100, -100, -100, -100, 1, 2]);
  const loss = nn.crossEntropy.with({ ignoreIndex });

  it('of a shard count for nothing', async () => {
    const whole = await train({ loss, samples: none, shards: 1 });
    const cut = await train({ loss, samples: none, shards: 3 });
    expectClose('parameters', cut.parameters, whole.parameters, { relative: 1e-9 });
    expectClose('losses', cut.losses, whole.losses, { relative: 1e-9 });
  });

  it('of a step make no update, have a loss of 0, and do not count in the epoch', async () => {
    const options = { momentum: 0.9, weightDecay: 0.1 };
    const found = await train({ loss, samples: none, batchSize: 2, epochs: 1, shards: 2, options });
    const alone = await train({
      loss,
      samples: none.subset([4, 5]),
      batchSize: 2,
      epochs: 1,
      shards: 2,
      options,
    });
    expect(found.losses.slice(0, 2)).toEqual([0, 0]);
    expect(found.hash).toBe(alone.hash);
    expect(found.results[0]).toMatchObject({ loss: alone.losses[0], skippedSteps: 0 });
  });

  it('of all rows give no figure', async () => {
    const trainer = new Trainer(linear(), { loss, optimizer: optim.sgd({ lr: 0.1 }), workers: 1 });
    expect(await trainer.evaluate(none.subset([0, 1]))).toEqual({ loss: Number.NaN, accuracy: Number.NaN });
  });
});

describe('accumulated steps', () => {
  const cases: [string, Training['loss']][] = [
    ['a mean', (x, y) => nn.crossEntropy(x, y.maximum(0))],
    ['a ratio', nn.crossEntropy.with({ weight, ignoreIndex })],
    ['a total', nn.crossEntropy.with({ weight, ignoreIndex, reduction: 'sum' })],
  ];

  it.each(cases)('of %s and unequal batches make the step of all rows', async (_, loss) => {
    // Batches of 4, 4 and 3.
    const options = { clipNorm: 0.5, momentum: 0.9 };
    const whole = await train({ loss, batchSize: ROWS, epochs: 2, options });
    for (const shards of [1, 3]) {
      const found = await train({
        loss,
        batchSize: 4,
        epochs: 2,
        shards,
        options: { ...options, accumulate: 3 },
      });
      expectClose('parameters', found.parameters, whole.parameters, { relative: 1e-9 });
      expectClose('first loss', [found.results[0]?.loss ?? 0], [whole.results[0]?.loss ?? 0], {
        relative: 1e-9,
      });
    }
  });

  it.each(cases)('of %s go on from one epoch and one call to the next', async (_, loss) => {
    // Steps of 6 and 5 rows; updates after steps 3 and 6, so of 6 + 5 + 6 and of 5 + 6 + 5 rows.
    const order = Array.from({ length: 3 * ROWS }, (_, i) => i % ROWS);
    const long = data.fromArrays(
      Float64Array.from(order.flatMap((i) => [...inputs.subarray(3 * i, 3 * i + 3)])),
      Int32Array.from(order, (i) => LABELS[i] as number),
      { inputs: { shape: [3] } },
    );
    const model = linear();
    const trainer = new Trainer(model, {
      loss,
      optimizer: optim.sgd({ lr: 0.1, accumulate: 3 }),
      workers: 2,
      shards: 3,
    });
    for (const epochs of [1, 2])
      await collect(trainer.fit(samples, { batchSize: 6, epochs, shuffle: false }));
    const expected = linear();
    const whole = new Trainer(expected, { loss, optimizer: optim.sgd({ lr: 0.1 }), workers: 1 });
    for (const [start, end] of [
      [0, 17],
      [17, 33],
    ] as const) {
      const part = long.subset(order.map((_, i) => i).slice(start, end));
      await collect(whole.fit(part, { batchSize: 17, shuffle: false }));
    }
    const valuesOf = (one: nn.Module) => one.parameters().flatMap(({ storage }) => [...storage.data]);
    expectClose('parameters', valuesOf(model), valuesOf(expected), { relative: 1e-9 });
  });
});

describe('a scalar that is computed from losses', () => {
  it('is the mean of its rows', async () => {
    const loss = (x: Tensor, y: Tensor) =>
      nn
        .crossEntropy(x, y.maximum(0))
        .mul(0.5)
        .add(nn.mseLoss(x, x.mul(0)).mul(0.25));
    const whole = await train({ loss });
    for (const shards of [2, 4]) {
      const found = await train({ loss, shards });
      expectClose('parameters', found.parameters, whole.parameters, { relative: 1e-9 });
      expectClose('losses', found.losses, whole.losses, { relative: 1e-9 });
    }
  });
});

describe("reduction 'sum' and 'none'", () => {
  it('give the figures of sums, in training and in validation', async () => {
    const loss = nn.mseLoss.with({ reduction: 'sum' });
    const targets = data.fromArrays(inputs, Float64Array.from(hashUniform(4 * ROWS, 5)), {
      inputs: { shape: [3] },
      targets: { shape: [4] },
    });
    for (const shards of [1, 4]) {
      const options = { lr: 0 };
      const found = await train({
        loss,
        samples: targets,
        shards,
        options,
        epochs: 1,
        fit: { validation: targets },
      });
      const [epoch] = found.results;
      expectClose('loss', [epoch?.loss ?? 0], [epoch?.validation?.loss ?? 1], { relative: 1e-9 });
      expectClose('steps', [found.losses.reduce((sum, one) => sum + one)], [epoch?.loss ?? 0], {
        relative: 1e-9,
      });
    }
  });

  it('are refused where they leave a loss for each row', async () => {
    await expect(train({ loss: nn.crossEntropy.with({ ignoreIndex, reduction: 'none' }) })).rejects.toThrow(
      "Trainer: the loss must be a scalar; reduction 'mean' or 'sum' makes it one, got float64[6]",
    );
  });
});
