import { compile, data, grad, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { LONG, sampled } from '../helpers/long.js';
import { optimizers } from '../helpers/optimizers.js';
import { hashUniform } from '../helpers/random-graph/random.js';
import { collect } from '../helpers/training.js';

const SAMPLES = 47;
const EPOCHS = 4;
const BATCH = 10;

/** An MLP whose last bias is called `bias`, as the recorded optimisers' second group is. */
class Net extends nn.Module {
  hidden: nn.Linear;
  weight: nn.Parameter;
  bias: nn.Parameter;

  constructor() {
    super();
    const dtype = 'float64';
    this.hidden = new nn.Linear(3, 5, { dtype });
    this.weight = new nn.Parameter([2, 5], { init: nn.init.uniform(-0.5, 0.5), dtype });
    this.bias = new nn.Parameter([2], { init: nn.init.zeros, dtype });
  }

  forward(x: Tensor): Tensor {
    return this.hidden.forward(x).tanh().matmul(this.weight.transpose()).add(this.bias);
  }
}

function samples(length = SAMPLES) {
  const inputs = Float64Array.from(hashUniform(length * 3, 5, -1, 1));
  const targets = Float64Array.from(hashUniform(length * 2, 6, -1, 1));
  return data.fromArrays(inputs, targets, { inputs: { shape: [3] }, targets: { shape: [2] } });
}

const valuesOf = (model: nn.Module) => model.parameters().flatMap(({ storage }) => [...storage.data]);

/** The parameters after some epochs of a hand-written loop, and where there are some, their averages. */
async function loop(optimizer: optim.Optimizer, prepare = (_: Net) => {}) {
  const model = new Net().init(3);
  prepare(model);
  const parameters = model.parameters();
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = nn.mseLoss(model.forward(x), y);
    // A trainer weighs accumulated steps by their rows, and the last batch has fewer.
    optimizer.step(parameters, grad(loss, parameters), { weight: x.shape[0] as number });
    return loss;
  });
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    let sum = 0;
    for (const { inputs, targets } of data.batches(samples(), { batchSize: BATCH })) {
      const loss = await step(tensor(inputs.data, inputs), tensor(targets.data, targets));
      sum += (await loss.item()) * (inputs.shape[0] as number);
    }
    optimizer.report(sum / SAMPLES);
  }
  step.release();
  const values = valuesOf(model);
  const averages = optimizer.stages.average && (await optimizer.withAverages(() => valuesOf(model)));
  return { values, averages };
}

/** The same in a trainer. */
async function train(optimizer: optim.Optimizer, workers: number, prepare = (_: Net) => {}) {
  const model = new Net().init(3);
  prepare(model);
  const trainer = new Trainer(model, { loss: nn.mseLoss, optimizer, workers, shards: workers });
  const options = { batchSize: BATCH, shuffle: false };
  // Two calls of fit on several workers, so that what is remembered must last over them.
  const first = workers > 1 ? 1 : EPOCHS;
  await collect(trainer.fit(samples(), { ...options, epochs: first }));
  if (first < EPOCHS) await collect(trainer.fit(samples(), { ...options, epochs: EPOCHS - first }));
  const values = valuesOf(model);
  const averages = optimizer.stages.average && (await trainer.withAverages(() => valuesOf(model)));
  return { values, averages };
}

describe('in a trainer', () => {
  const named = Object.entries(optimizers).map(([name, create]) => ({ name, create }));
  // The sample has every other setting, in turn on one worker and on two.
  const cases = sampled(
    named.filter(({ name }) => !name.endsWith('defaults')),
    2,
  ).map((one, i) => ({ ...one, counts: LONG ? [1, 2] : [1 + (i % 2)] }));

  it.each(cases)('$name does what it does in a hand-written loop', async ({ name, create, counts }) => {
    const expected = await loop(create());
    for (const workers of counts) {
      const found = await train(create(), workers);
      expectClose(`${name} on ${workers}`, found.values, expected.values, { relative: 1e-9 });
      expect(found.averages === undefined).toBe(expected.averages === undefined);
      if (!found.averages || !expected.averages) continue;
      expectClose(`${name} averages`, found.averages, expected.averages, { relative: 1e-9 });
      expect(found.averages).not.toEqual(found.values);
    }
    expect(expected.values).not.toEqual(valuesOf(new Net().init(3)));
  });

  it('clips the norm of all parameters, in groups of different rules', async () => {
    const create = () =>
      optim.sgd({ lr: 0.5, clipNorm: 0.05, groups: [{ match: /^hidden/, momentum: 0.9 }, { match: /x/ }] });
    const expected = await loop(create());
    const unclipped = await loop(optim.sgd({ lr: 0.5, groups: [{ match: /^hidden/, momentum: 0.9 }] }));
    expect(unclipped.values).not.toEqual(expected.values);
    for (const workers of LONG ? [1, 2, 5] : [1, 5]) {
      const found = await train(create(), workers);
      expectClose(`on ${workers}`, found.values, expected.values, { relative: 1e-9 });
    }
  });

  it('gives the same numbers with everything at once', async () => {
    const create = () =>
      optim.adamW({
        lr: optim.warmup(optim.exponentialLR({ lr: 0.05, gamma: 0.9 }), { steps: 3 }),
        clipNorm: 0.1,
        clipValue: 0.02,
        accumulate: 3,
        average: 0.7,
        l1: 0.01,
        groups: [
          { match: (_, { shape }) => shape.length === 1, weightDecay: 0 },
          { match: /weight$/, lr: 0.02, amsgrad: true },
        ],
      });
    const expected = await loop(create());
    for (const workers of LONG ? [1, 2, 3] : [1, 3]) {
      const found = await train(create(), workers);
      expectClose('values', found.values, expected.values, { relative: 1e-9 });
      expectClose('averages', found.averages as number[], expected.averages as number[], { relative: 1e-9 });
    }
  });
});

describe('frozen parameters', () => {
  const freeze = (net: Net) => {
    net.hidden.freeze();
  };
  const create = () => optim.adam({ lr: 0.05, clipNorm: 0.1 });

  it('stay as they are, and their gradients do not count, in a loop and in a trainer', async () => {
    const start = new Net().init(3);
    const hidden = valuesOf(start.hidden);
    const looped = await loop(create(), freeze);
    expect(looped.values.slice(0, hidden.length)).toEqual(hidden);
    expect(looped.values.slice(hidden.length)).not.toEqual(valuesOf(start).slice(hidden.length));
    const free = await loop(create());
    expect(free.values.slice(hidden.length)).not.toEqual(looped.values.slice(hidden.length));
    for (const workers of [1, 2]) {
      const trained = await train(create(), workers, freeze);
      expect(trained.values.slice(0, hidden.length)).toEqual(hidden);
      expectClose('trained', trained.values, looped.values, { relative: 1e-9 });
    }
  });

  it('can be freed between two calls of fit; the others keep their momentum', async () => {
    const create = () => optim.sgd({ lr: 0.1, momentum: 0.9, average: 0.5 });
    const model = new Net().init(3);
    const trainer = new Trainer(model, { loss: nn.mseLoss, optimizer: create(), workers: 2, shards: 2 });
    const options = { batchSize: BATCH, shuffle: false };
    freeze(model);
    await collect(trainer.fit(samples(), options));
    freeze(model);
    model.hidden.freeze(false);
    await collect(trainer.fit(samples(), options));
    const averages = await trainer.withAverages(() => valuesOf(model));

    const looped = new Net().init(3);
    const optimizer = create();
    for (const frozen of [true, false]) {
      looped.hidden.freeze(frozen);
      const step = compile((x: Tensor, y: Tensor) => {
        const loss = nn.mseLoss(looped.forward(x), y);
        optimizer.step(looped.parameters(), grad(loss, looped.parameters()));
        return loss;
      });
      for (const { inputs, targets } of data.batches(samples(), { batchSize: BATCH })) {
        await step(tensor(inputs.data, inputs), tensor(targets.data, targets));
      }
      step.release();
    }
    expectClose('values', valuesOf(model), valuesOf(looped), { relative: 1e-9 });
    const expected = await optimizer.withAverages(() => valuesOf(looped));
    expectClose('averages', averages, expected, { relative: 1e-9 });
  });

  it('are read by evaluate and predict, and may be all', async () => {
    const model = new Net().init(3);
    model.freeze();
    const trainer = new Trainer(model, { loss: nn.mseLoss, optimizer: create(), workers: 2, shards: 2 });
    const { loss } = await trainer.evaluate(samples());
    const free = new Trainer(new Net().init(3), {
      loss: nn.mseLoss,
      optimizer: create(),
      workers: 2,
      shards: 2,
    });
    expect(loss).toBe((await free.evaluate(samples())).loss);
    await expect(collect(trainer.fit(samples()))).rejects.toThrow(
      'fit: at least one parameter of the model must be trainable',
    );
  });
});

describe('a parameter without elements', () => {
  it('changes nothing in how the others are trained', async () => {
    class Empty extends Net {
      readonly nothing = new nn.Parameter([0, 3], { init: nn.init.ones, dtype: 'float64' });
    }
    const trained = async (model: Net) => {
      const trainer = new Trainer(model, {
        loss: nn.mseLoss,
        optimizer: optim.adam({ lr: 0.05 }),
        workers: 2,
        shards: 2,
      });
      await collect(trainer.fit(samples(), { batchSize: BATCH }));
      return valuesOf(model);
    };
    expect(await trained(new Empty())).toEqual(await trained(new Net()));
  });
});

describe('averages in a trainer', () => {
  it('are what validation measures; the parameters get their values back', async () => {
    const model = new Net().init(3);
    const optimizer = optim.sgd({ lr: 0.3, average: 0.9 });
    const trainer = new Trainer(model, { loss: nn.mseLoss, optimizer, workers: 2, shards: 2 });
    const [epoch] = await collect(trainer.fit(samples(), { batchSize: BATCH, validation: samples() }));
    const values = valuesOf(model);
    const averaged = await trainer.withAverages(() => trainer.evaluate(samples()));
    expect(averaged.loss).toBeCloseTo(epoch?.validation?.loss as number, 12);
    expect((await trainer.evaluate(samples())).loss).not.toBeCloseTo(averaged.loss, 4);
    await expect(trainer.withAverages(() => Promise.reject(new Error('enough')))).rejects.toThrow('enough');
    expect(valuesOf(model)).toEqual(values);
  });

  it('are the values that parameters were given last, until there is an update', async () => {
    const model = new Net().init(3);
    const optimizer = optim.sgd({ lr: 0.3, average: 0.9, accumulate: 100 });
    const trainer = new Trainer(model, { loss: nn.mseLoss, optimizer, workers: 1 });
    model.bias.storage.data.fill(2);
    expect(await trainer.withAverages(() => valuesOf(model))).toEqual(valuesOf(model));
    const [epoch] = await collect(trainer.fit(samples(), { batchSize: BATCH, validation: samples() }));
    expect(epoch?.validation?.loss).toBe((await trainer.evaluate(samples(), { batchSize: BATCH })).loss);
  });

  it('stay while any function runs with them, in which training is refused', async () => {
    const model = new Net().init(3);
    const optimizer = optim.sgd({ lr: 0.3, average: 0.9 });
    const trainer = new Trainer(model, { loss: nn.mseLoss, optimizer, workers: 1 });
    await collect(trainer.fit(samples(), { batchSize: BATCH }));
    const values = valuesOf(model);
    const averages = await trainer.withAverages(() => valuesOf(model));
    const later = async () => {
      await Promise.resolve();
      return valuesOf(model);
    };
    const found = await Promise.all([
      trainer.withAverages(() => trainer.withAverages(later)),
      trainer.withAverages(later),
      trainer.withAverages(() => valuesOf(model)),
    ]);
    expect(found).toEqual([averages, averages, averages]);
    const training = trainer.withAverages(() => collect(trainer.fit(samples())));
    await expect(training).rejects.toThrow('fit: the parameters hold their averages');
    expect(valuesOf(model)).toEqual(values);
  });

  it('are refused where there are none, and while training', async () => {
    const make = (optimizer: optim.Optimizer) =>
      new Trainer(new Net(), { loss: nn.mseLoss, optimizer, workers: 1 });
    await expect(make(optim.adam()).withAverages(() => 1)).rejects.toThrow(
      'withAverages: adam needs the option average',
    );
    const trainer = make(optim.adam({ average: 0.9 }));
    for await (const _ of trainer.fit(samples())) {
      await expect(trainer.withAverages(() => 1)).rejects.toThrow(/^withAverages: the trainer is busy/);
    }
  });
});

describe('a schedule that is reported to, in a trainer', () => {
  const run = async (options: optim.ReportedSchedule, validation: boolean) => {
    const optimizer = optim.sgd({ lr: options });
    const trainer = new Trainer(new Net().init(3), { loss: nn.mseLoss, optimizer, workers: 2, shards: 2 });
    return collect(
      trainer.fit(samples(), {
        batchSize: BATCH,
        epochs: 6,
        ...(validation ? { validation: samples(9) } : {}),
      }),
    );
  };

  it.each([false, true])('is told the loss of the epoch, or of validation: %s', async (validation) => {
    const figures: number[] = [];
    const lr = Object.assign(() => 0.1, { report: (figure: number) => void figures.push(figure) });
    const results = await run(lr, validation);
    expect(figures).toEqual(results.map((result) => (validation ? result.validation : result)?.loss));
  });

  it('lowers the rate of the epochs that follow', async () => {
    const plateau = () => optim.reduceOnPlateau({ lr: 0.5, patience: 0, factor: 0.5, threshold: 0.5 });
    const results = await run(plateau(), false);
    const reference = plateau();
    const rates = results.map((result) => {
      const rate = reference(0);
      reference.report(result.loss);
      return rate;
    });
    expect(new Set(rates).size).toBeGreaterThan(1);
    const optimizer = optim.sgd({ lr: (step) => rates[Math.floor(step / 5)] as number });
    const trainer = new Trainer(new Net().init(3), { loss: nn.mseLoss, optimizer, workers: 2, shards: 2 });
    const expected = await collect(trainer.fit(samples(), { batchSize: BATCH, epochs: 6 }));
    expect(results.map(({ loss }) => loss)).toEqual(expected.map(({ loss }) => loss));
  });
});
