import { assign, compile, data, grad, mean, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { failure } from '../helpers/graphs.js';
import { collect, noise } from '../helpers/training.js';

const FEATURES = 3;
const MOMENTUM = 0.1;

/** Takes the mean of each feature from its input: in training the batch's, which it keeps a running mean of. */
class Centre extends nn.Module {
  mean: nn.Buffer;
  unused: nn.Buffer;

  constructor(readonly dtype: 'float32' | 'float64' = 'float64') {
    super();
    this.mean = new nn.Buffer([FEATURES], { value: 0.5, dtype });
    this.unused = new nn.Buffer([2], { value: 7, dtype });
  }

  forward(x: Tensor): Tensor {
    if (!this.training) return x.sub(this.mean);
    const batch = mean(x, 0);
    assign(this.mean, this.mean.mul(1 - MOMENTUM).add(batch.mul(MOMENTUM)));
    return x.sub(batch);
  }
}

class Model extends nn.Module {
  centre = new Centre();
  fc = new nn.Linear(FEATURES, 1, { dtype: 'float64' });

  forward(x: Tensor): Tensor {
    return this.fc.forward(this.centre.forward(x));
  }
}

function samples(length: number) {
  const inputs = Float64Array.from(noise(length * FEATURES, 1), (x) => 2 * x + 1);
  const targets = Float64Array.from(noise(length, 2));
  return data.fromArrays(inputs, targets, { inputs: { shape: [FEATURES] }, targets: { shape: [1] } });
}

const trainerOf = (model: nn.Module, workers: number) =>
  new Trainer(model, {
    loss: nn.mseLoss,
    optimizer: optim.sgd({ lr: 0.05, momentum: 0.9 }),
    workers,
    shards: workers,
  });

/** The running mean after an epoch, by its formula. The mean over shards, weighted by rows, is that of the batch. */
function runningMean(inputs: ArrayLike<number>, batchSize: number): number[] {
  const running = new Array<number>(FEATURES).fill(0.5);
  const length = inputs.length / FEATURES;
  for (let start = 0; start < length; start += batchSize) {
    const rows = Math.min(batchSize, length - start);
    for (let feature = 0; feature < FEATURES; feature++) {
      let sum = 0;
      for (let row = start; row < start + rows; row++) sum += inputs[row * FEATURES + feature] as number;
      running[feature] = (1 - MOMENTUM) * (running[feature] as number) + (MOMENTUM * sum) / rows;
    }
  }
  return running;
}

describe('buffers in a trainer', () => {
  it.each([
    { workers: 1, length: 40, batchSize: 8 },
    { workers: 2, length: 40, batchSize: 8 },
    { workers: 2, length: 41, batchSize: 7 },
    { workers: 3, length: 17, batchSize: 5 },
    { workers: 3, length: 11, batchSize: 2 },
  ])(
    'keep the mean of the values of $workers shards, weighted by their rows: $length by $batchSize',
    async (run) => {
      const { workers, length, batchSize } = run;
      const model = new Model();
      const trainer = trainerOf(model, workers);
      const train = samples(length);
      await collect(trainer.fit(train, { batchSize, shuffle: false }));
      const expected = runningMean(train.inputs.data, batchSize);
      expectClose('mean', model.centre.mean.storage.data, expected, { relative: 1e-12 });
      expect([...model.centre.unused.storage.data]).toEqual([7, 7]);
    },
  );

  it('are what a hand-written loop makes of them, when there is one shard', async () => {
    const [trained, looped] = [new Model().init(0), new Model().init(0)];
    const train = samples(22);
    await collect(trainerOf(trained, 1).fit(train, { batchSize: 8, shuffle: false, epochs: 3 }));
    const optimizer = optim.sgd({ lr: 0.05, momentum: 0.9 });
    const step = compile((x: Tensor, y: Tensor) => {
      const loss = nn.mseLoss(looped.forward(x), y);
      optimizer.step(looped.parameters(), grad(loss, looped.parameters()));
      return loss;
    });
    for (let epoch = 0; epoch < 3; epoch++) {
      for (const { inputs, targets } of data.batches(train, { batchSize: 8 })) {
        await step(tensor(inputs.data, inputs), tensor(targets.data, targets));
      }
    }
    const values = (model: Model) =>
      [...model.parameters(), model.centre.mean].flatMap(({ storage }) => [...storage.data]);
    expectClose('model', values(trained), values(looped), { relative: 1e-12 });
  });

  it('are read by evaluate, by validation and by predict', async () => {
    const model = new Model();
    const trainer = trainerOf(model, 2);
    const train = samples(20);
    const [epoch] = await collect(trainer.fit(train, { batchSize: 6, validation: train }));
    const { weight, bias } = model.fc;
    let total = 0;
    const outputs = Array.from({ length: 20 }, (_, row) => {
      let sum = bias?.storage.data[0] as number;
      for (let i = 0; i < FEATURES; i++) {
        const centred =
          (train.inputs.data[row * FEATURES + i] as number) - (model.centre.mean.storage.data[i] as number);
        sum += (weight.storage.data[i] as number) * centred;
      }
      total += (sum - (train.targets.data[row] as number)) ** 2 / 20;
      return sum;
    });
    expect(epoch?.validation?.loss).toBeCloseTo(total, 12);
    expect((await trainer.evaluate(train, { batchSize: 3 })).loss).toBeCloseTo(total, 12);
    const predicted = await trainer.predict(tensor(train.inputs.data, { shape: [20, FEATURES] }));
    expectClose('predict', await predicted.data(), outputs, { relative: 1e-12 });
  });

  it('that only some sizes of shards assign keep their value in the others', async () => {
    class Odd extends Model {
      count = new nn.Buffer([1], { dtype: 'float64' });
      override forward(x: Tensor): Tensor {
        if (this.training && x.shape[0] === 4) assign(this.count, this.count.add(1));
        return super.forward(x);
      }
    }
    const model = new Odd();
    // Five batches of 4 + 4 rows, and a last one of 2 + 3.
    await collect(trainerOf(model, 2).fit(samples(45), { batchSize: 8 }));
    expect(model.count.storage.data[0]).toBeCloseTo(5, 12);
  });

  it('keep their values when a step fails', async () => {
    class Falling extends Model {
      override forward(x: Tensor): Tensor {
        return super.forward(x).div(this.centre.mean.sub(this.centre.mean).sum());
      }
    }
    const model = new Falling();
    const error = await failure(collect(trainerOf(model, 2).fit(samples(8), { batchSize: 4 })));
    expect(error.message).toMatch(/^fit: the loss must stay finite/);
    expect([...model.centre.mean.storage.data]).toEqual([0.5, 0.5, 0.5]);
  });
});

describe('a trainer refuses', () => {
  const refused = (message: string, forward: (model: Model, x: Tensor) => Tensor) => async () => {
    class Assigning extends Model {
      readonly counter = counter;
      override forward(x: Tensor): Tensor {
        return forward(this, super.forward(x));
      }
    }
    const trainer = trainerOf(new Assigning(), 2);
    const error = await failure(collect(trainer.fit(samples(8), { batchSize: 4, validation: samples(4) })));
    expect(error.message).toContain(message);
  };
  const counter = new nn.Buffer([1], { dtype: 'int32' });
  const foreign = new nn.Buffer([1], { dtype: 'float64' });

  it(
    'to assign a parameter',
    refused('Trainer: forward must not assign variables other than buffers of the model', (model, x) => {
      assign(model.fc.weight, model.fc.weight.mul(2));
      return x;
    }),
  );
  it(
    'to assign a buffer of another model',
    refused('Trainer: forward must not assign variables other than buffers of the model', (_, x) => {
      assign(foreign, foreign.add(1));
      return x;
    }),
  );
  it(
    'to assign a buffer of integers',
    refused('Trainer: buffers that forward assigns must be float64, got int32', (_, x) => {
      assign(counter, counter.add(1));
      return x;
    }),
  );
  it(
    'assignments in inference',
    refused('Trainer: forward must not assign variables in inference', (model, x) => {
      if (!model.training) assign(model.centre.mean, model.centre.mean.mul(2));
      return x;
    }),
  );
});
