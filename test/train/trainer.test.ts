import { compile, data, grad, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { failure } from '../helpers/graphs.js';
import { LONG } from '../helpers/long.js';
import {
  collect,
  type Dataset,
  images,
  mlp,
  Net,
  parametersOf,
  points,
  stepLosses,
} from '../helpers/training.js';

interface Run {
  readonly data: Dataset;
  readonly batchSize: number;
  readonly epochs: number;
  readonly model?: () => nn.Module;
  readonly shuffle?: boolean;
}

async function train(workers: number, { data, batchSize, epochs, model = mlp, shuffle = true }: Run) {
  const trainer = new Trainer(model(), {
    loss: nn.crossEntropy,
    optimizer: optim.adam({ lr: 0.01 }),
    workers,
    shards: workers,
    seed: 5,
  });
  const results = await collect(trainer.fit(data, { epochs, batchSize, shuffle }));
  return { trainer, results, losses: stepLosses(results), parameters: parametersOf(trainer.model) };
}

function expectAlike(actual: readonly number[], expected: readonly number[], relative = 1e-5): void {
  expect(actual).toHaveLength(expected.length);
  const apart = expected.map(
    (value, i) => Math.abs((actual[i] as number) - value) / Math.max(Math.abs(value), 1e-2),
  );
  expect(Math.max(...apart)).toBeLessThanOrEqual(relative);
}

describe('training on several workers', () => {
  it.each<[string, Run]>([
    ['an MLP', { data: points(160), batchSize: 16, epochs: 5 }],
    [
      'a convolutional net with dropout',
      { data: images(120), batchSize: 12, epochs: 5, model: () => new Net() },
    ],
    ['batches that do not divide evenly, the last one least', { data: points(41), batchSize: 8, epochs: 9 }],
    ['fewer samples in a batch than workers', { data: points(11), batchSize: 2, epochs: 9 }],
    ['fewer samples than workers', { data: points(1), batchSize: 4, epochs: 50 }],
  ])('gives the losses of one worker: %s', async (_, run) => {
    const one = await train(1, run);
    expect(one.losses.length).toBeGreaterThanOrEqual(50);
    expect(one.losses.every((loss) => loss > 0)).toBe(true);
    for (const workers of LONG ? [2, 3] : [3]) {
      const several = await train(workers, run);
      expectAlike(several.losses, one.losses);
      expectAlike(several.parameters, one.parameters, 1e-3);
    }
  });

  it('gives what a hand-written loop gives', async () => {
    const run = { data: points(41), batchSize: 8, epochs: 2, shuffle: false };
    const model = mlp().init(5);
    const optimizer = optim.adam({ lr: 0.01 });
    const step = compile((x: Tensor, y: Tensor) => {
      const loss = nn.crossEntropy(model.forward(x), y);
      optimizer.step(model.parameters(), grad(loss, model.parameters()));
      return loss;
    });
    const losses: number[] = [];
    for (let epoch = 0; epoch < 2; epoch++) {
      for (const { inputs, targets } of data.batches(run.data, { batchSize: 8 })) {
        const x = tensor(inputs.data, inputs);
        losses.push(await (await step(x, targets.data)).item());
      }
    }
    const { losses: trained, parameters } = await train(2, run);
    expectAlike(trained, losses);
    expectAlike(parameters, parametersOf(model), 1e-4);
  });

  it('learns', async () => {
    const run = { data: images(200), batchSize: 20, epochs: 8, model: () => new Net() };
    const { trainer, results } = await train(2, run);
    expect(results.at(-1)?.loss).toBeLessThan(0.5 * (results[0]?.loss as number));
    const { accuracy } = await trainer.evaluate(images(80, 2));
    expect(accuracy).toBeGreaterThan(0.9);
  });
});

describe('two trainers of one model', () => {
  it('train it in turn', async () => {
    const model = mlp();
    const options = { loss: nn.crossEntropy, optimizer: optim.sgd({ lr: 0.1 }), workers: 2, shards: 2 };
    const [first, second] = [new Trainer(model, options), new Trainer(model, options)];
    const samples = points(40);
    const losses: number[] = [];
    for (const trainer of [first, second, first]) {
      const [epoch] = await collect(trainer.fit(samples, { shuffle: false, batchSize: 8 }));
      losses.push(epoch?.loss as number);
    }
    const alone = new Trainer(mlp(), options);
    const expected = await collect(alone.fit(samples, { shuffle: false, batchSize: 8, epochs: 3 }));
    expectAlike(
      losses,
      expected.map(({ loss }) => loss),
    );
    expectAlike(parametersOf(model), parametersOf(alone.model));
  });
});

describe('the figures of an epoch', () => {
  it('are means over its samples, and counted on over calls of fit', async () => {
    const run = { data: points(41), batchSize: 8 };
    const whole = await train(2, { ...run, epochs: 3 });
    expect(whole.results.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    for (const { loss, stepLosses } of whole.results) {
      const total = stepLosses.reduce((sum, value, step) => sum + value * (step < 5 ? 8 : 1), 0);
      expect(loss).toBeCloseTo(total / 41, 12);
    }
    const { trainer, results } = await train(2, { ...run, epochs: 1 });
    const rest = await collect(trainer.fit(run.data, { epochs: 2, batchSize: 8 }));
    expect(rest.map(({ epoch }) => epoch)).toEqual([2, 3]);
    expect(stepLosses([...results, ...rest])).toEqual(whole.losses);
    expect(trainer.steps).toBe(18);
  });

  it('count time and samples', async () => {
    const { results } = await train(1, { data: points(41), batchSize: 8, epochs: 1 });
    const [{ seconds, examplesPerSecond } = { seconds: 0, examplesPerSecond: 0 }] = results;
    expect(seconds).toBeGreaterThan(0);
    expect(examplesPerSecond * seconds).toBeCloseTo(41, 6);
  });

  it('of validation are those of the model as the epoch left it, without dropout', async () => {
    const [training, validation] = [images(40), images(27, 9)];
    const trainer = new Trainer(new Net(), {
      loss: nn.crossEntropy,
      optimizer: optim.sgd({ lr: 0.1, momentum: 0.9 }),
      workers: 3,
      shards: 3,
    });
    for await (const epoch of trainer.fit(training, { epochs: 2, batchSize: 10, validation })) {
      const logits = await trainer.predict(tensor(validation.inputs.data, { shape: [27, 8, 8, 1] }));
      const values = await logits.data();
      let [loss, right] = [0, 0];
      validation.targets.data.forEach((label, i) => {
        const row = Array.from(values.subarray(i * 4, i * 4 + 4));
        loss += Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - (row[label] as number);
        right += Number(row.indexOf(Math.max(...row)) === label);
      });
      expect(epoch.validation?.loss).toBeCloseTo(loss / 27, 5);
      expect(epoch.validation?.accuracy).toBeCloseTo(right / 27, 6);
      expect(await failure(trainer.evaluate(validation))).toMatchObject({
        message: /^evaluate: the trainer is busy/,
      });
    }
    const figures = await trainer.evaluate(validation, { batchSize: 4 });
    expect(Object.keys(figures)).toEqual(['loss', 'accuracy']);
    expect((await trainer.evaluate(validation)).loss).toBeCloseTo(figures.loss, 5);
  });

  it('hold the metrics that were asked for', async () => {
    const largest = (output: Tensor) => output.max(-1).mean();
    const trainer = new Trainer(mlp(), {
      loss: nn.crossEntropy,
      optimizer: optim.sgd({ lr: 0.1 }),
      metrics: { largest },
      workers: 2,
      shards: 2,
    });
    const samples = points(10);
    const outputs = await trainer.predict(tensor(samples.inputs.data, { shape: [10, 6] }));
    const { largest: figure, ...rest } = await trainer.evaluate(samples, { batchSize: 3 });
    expect(figure).toBeCloseTo(await outputs.max(-1).mean().item(), 5);
    expect(Object.keys(rest)).toEqual(['loss']);
  });
});

describe('a trainer refuses', () => {
  const options = { loss: nn.crossEntropy, optimizer: optim.adam(), workers: 1 };

  it.each<[unknown, string]>([
    [0, "Trainer: workers must be an integer from 1 to 256 or 'auto', got 0"],
    [-1, "Trainer: workers must be an integer from 1 to 256 or 'auto', got -1"],
    [1.5, "Trainer: workers must be an integer from 1 to 256 or 'auto', got 1.5"],
    ['x', "Trainer: workers must be an integer from 1 to 256 or 'auto', got x"],
    [257, "Trainer: workers must be an integer from 1 to 256 or 'auto', got 257"],
  ])('workers: %s', (workers, message) => {
    expect(() => new Trainer(mlp(), { ...options, workers: workers as number })).toThrow(message);
  });

  it('options that it cannot train with', () => {
    const make = (changed: object) => () => new Trainer(mlp(), { ...options, ...changed });
    expect(make({ loss: 'crossEntropy' })).toThrow(/^Trainer: loss must be a function/);
    expect(make({ optimizer: optim.adam })).toThrow(/^Trainer: optimizer must be one such as/);
    expect(make({ seed: -1 })).toThrow('Trainer: seed must be a non-negative integer, got -1');
    expect(() => new Trainer(new nn.ReLU(), options)).toThrow('Trainer: the model must have parameters');
  });

  it('data without samples, and labels that are no classes', () => {
    expect(() => data.fromArrays([], [])).toThrow();
    expect(() => data.fromArrays(new Float32Array(0), new Int32Array(0), { inputs: { shape: [6] } })).toThrow(
      'dataset: needs at least one sample',
    );
    expect(() => data.fromArrays([[1, 2]], [Number.NaN])).toThrow(/sample 0 of targets must hold int32/);
  });

  const six = (labels: number[] | Float32Array) =>
    data.fromArrays(new Float32Array(18), labels, { inputs: { shape: [6] } });
  const five = data.fromArrays(new Float32Array(10), [0, 1], { inputs: { shape: [5] } });

  it.each<[string, () => Dataset, object, RegExp]>([
    [
      'inputs of another shape',
      () => five,
      {},
      /^0: Linear: the last axis of the input must be 6, got \[2,5\]$/,
    ],
    [
      'labels that are no class',
      () => six([0, 1, 3]),
      {},
      /^crossEntropy: label at position 2 must be from 0 to 2, got 3/,
    ],
    [
      'negative labels',
      () => six([0, -1, 0]),
      {},
      /^crossEntropy: label at position 1 must be from 0 to 2, got -1/,
    ],
    [
      'NaN for a label',
      () => six(Float32Array.of(0, Number.NaN, 1)),
      {},
      /^crossEntropy: labels must be int32 or uint8/,
    ],
    [
      'bad validation labels',
      () => six([0, 1, 2]),
      { validation: six([5, 0, 0]) },
      /^crossEntropy: label at position 0/,
    ],
    ['no epochs', () => six([0, 1, 2]), { epochs: 0 }, /^fit: epochs must be a positive integer, got 0/],
    [
      'half a batch',
      () => six([0, 1, 2]),
      { batchSize: 0.5 },
      /^fit: batchSize must be a positive integer, got 0.5/,
    ],
    ['arrays for a data set', () => [[1]] as unknown as Dataset, {}, /^fit: data must be a Dataset/],
  ])('to fit %s, and keeps the parameters', async (_, samples, fitOptions, message) => {
    const trainer = new Trainer(mlp(), options);
    const before = parametersOf(trainer.model);
    expect((await failure(collect(trainer.fit(samples(), fitOptions)))).message).toMatch(message);
    expect(parametersOf(trainer.model)).toEqual(before);
    expect(trainer.steps).toBe(0);
    // And it is free for the next call.
    expect(await collect(trainer.fit(six([0, 1, 2])))).toHaveLength(1);
  });

  it('a second call while one is under way', async () => {
    const trainer = new Trainer(mlp(), options);
    const samples = points(16);
    for await (const _ of trainer.fit(samples)) {
      expect((await failure(collect(trainer.fit(samples)))).message).toMatch(/^fit: the trainer is busy/);
      expect((await failure(trainer.evaluate(samples))).message).toMatch(/^evaluate: the trainer is busy/);
    }
    expect(await collect(trainer.fit(samples))).toHaveLength(1);
  });

  it('to go on when the loss is no longer finite, and says where', async () => {
    const trainer = new Trainer(mlp(), {
      loss: nn.mseLoss,
      optimizer: optim.sgd({ lr: (step) => (step < 7 ? 1e-3 : 1e30) }),
      workers: 2,
      shards: 2,
    });
    const samples = data.fromArrays(new Float32Array(60).fill(1), new Float32Array(30).fill(2), {
      inputs: { shape: [6] },
      targets: { shape: [3] },
    });
    const error = await failure(collect(trainer.fit(samples, { batchSize: 2, epochs: 3 })));
    // Steps 0 to 4 are the first epoch; step 7 overflows, and the loss of step 8 is the first to show it.
    expect(error.message).toMatch(
      /^fit: the loss must stay finite, but was (Infinity|NaN) at epoch 2, step 3/,
    );
    expect(error).toMatchObject({ code: 'ERR_CHAINRULE_NON_FINITE' });
    expect(trainer.steps).toBe(8);
  });
});
