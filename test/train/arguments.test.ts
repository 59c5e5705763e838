import { data, nn, optim, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { collect } from '../helpers/training.js';

const samples = data.fromArrays([[0], [1], [2], [3]], [[0], [1], [2], [3]]);
const model = () => new nn.Linear(1, 1);
const options = { loss: nn.mseLoss, optimizer: optim.sgd({ lr: 0.1 }), workers: 1 };
const trainer = new Trainer(model(), options);
const bad = (value: unknown) => value as never;

describe('new Trainer refuses', () => {
  const make = (...args: readonly unknown[]) => expect(() => Reflect.construct(Trainer, args));

  it('what is missing, surplus or of another kind', () => {
    make().toThrow('Trainer: model must be a module, got undefined');
    make(model()).toThrow('Trainer: options must be a plain object with loss and optimizer, got undefined');
    make(nn.Linear, options).toThrow(
      'Trainer: model must be a module, which new Linear(...) makes, got function Linear',
    );
    make(() => model(), options).toThrow('Trainer: model must be a module, got function');
    make(model(), nn.mseLoss, optim.adam()).toThrow(
      'Trainer: options must be a plain object such as { loss: ... }, got function mseLoss',
    );
    make(model(), options, { epochs: 3 }).toThrow('Trainer: takes model and options alone, got an object');
    make(model(), { loss: nn.mseLoss }).toThrow(
      'Trainer: optimizer must be one such as optim.adam(), got und',
    );
    make(model(), { ...options, metrics: 'accuracy' }).toThrow(
      'Trainer: metrics must be an object of functions',
    );
    make(model(), { ...options, metrics: [nn.accuracy] }).toThrow('Trainer: metrics must be an object of');
    make(model(), { ...options, log: true }).toThrow('Trainer: log must be a function, got true');
  });

  it.each([
    ['lr', 'optimizer: optim.adam({ lr })'],
    ['learningRate', 'optimizer: optim.adam({ lr })'],
    ['optimiser', 'optimizer'],
    ['criterion', 'loss'],
    ['loss_fn', 'loss'],
    ['metric', 'metrics'],
    ['num_workers', 'workers'],
    ['threads', 'workers'],
    ['random_state', 'seed'],
    ['memoryLimit', 'memory'],
    ['verbose', 'log'],
  ])('the option %s', (name, meant) => {
    make(model(), { ...options, [name]: 1 }).toThrow(
      `Trainer: unknown option ${name}; did you mean ${meant}? (the options are loss, optimizer, `,
    );
  });

  it.each([
    'epochs',
    'batchSize',
    'batch_size',
    'validation',
    'shuffle',
    'checkpoint',
    'onProgress',
    'signal',
  ])('the option %s of fit', (name) => {
    make(model(), { ...options, [name]: 1 }).toThrow(
      new RegExp(`^Trainer: unknown option ${name}; it is an option of fit$`),
    );
  });
});

describe('fit refuses', () => {
  const training = (...args: readonly unknown[]) =>
    expect(collect(Reflect.apply(trainer.fit, trainer, args) as ReturnType<Trainer['fit']>)).rejects;

  it('what is missing, surplus or of another kind', async () => {
    await training().toThrow(
      'fit: data must be a Dataset, as data.fromArrays() makes, or a stream, as data.stream() makes, got',
    );
    await training([[0], [1]]).toThrow(
      'fit: data must be a Dataset, as data.fromArrays() makes, or a stream, as data.stream() makes, got',
    );
    await training(samples, 3).toThrow('fit: options must be a plain object such as { epochs: 3 }, got 3');
    await training(samples, {}, samples).toThrow(
      'fit: takes data and options alone, got an instance of Dataset',
    );
    await training(samples, { validation: [[0], [1]] }).toThrow('fit: validation must be a Dataset, as');
    await training(samples, { nonFinite: 'ignore' }).toThrow(
      "fit: nonFinite must be 'stop' or 'skip', got ignore",
    );
    await training(samples, { shuffle: 'yes' }).toThrow('fit: shuffle must be true or false, got yes');
    await training(samples, { health: 'all' }).toThrow(
      'fit: health must be true or false or a plain object, got all',
    );
    await training(samples, { health: { dead: 0.5, vanish: 1 } }).toThrow(
      'fit: unknown option health.vanish',
    );
    await training(samples, { signal: new AbortController() }).toThrow('fit: signal must be an AbortSignal');
    await training(samples, { stepTimeout: 0 }).toThrow('fit: stepTimeout must be a positive number, got 0');
    await training(samples, { onProgress: {} }).toThrow('fit: onProgress must be a function, got an object');
    await training(samples, { checkpoint: 'runs' }).toThrow(
      'fit: checkpoint must be a plain object such as { dir: ... }, got runs',
    );
    expect(trainer.steps).toBe(0);
  });

  it.each([
    ['batchsize', 'batchSize'],
    ['batch_size', 'batchSize'],
    ['epoch', 'epochs'],
    ['numEpochs', 'epochs'],
    ['validationData', 'validation'],
    ['validation_data', 'validation'],
    ['validationSplit', 'validation, which is a part of [train, validation] = dataset.split(0.8)'],
    ['onEpochEnd', 'callbacks, or the body of: for await (const epoch of trainer.fit(data))'],
    ['abortSignal', 'signal'],
    ['initialEpoch', 'checkpoint, which resumes the run that its directory holds'],
  ])('the option %s', async (name, meant) => {
    await training(samples, { [name]: 1 }).toThrow(`fit: unknown option ${name}; did you mean ${meant}?`);
  });

  it.each([
    ['workers', 'it is an option of new Trainer'],
    ['seed', 'it is an option of new Trainer'],
    ['loss', 'it is an option of new Trainer'],
    ['optimizer', 'it is an option of new Trainer'],
    ['metrics', 'it is an option of new Trainer'],
    ['lr', 'it is an option of the optimizer of new Trainer'],
    ['stepsPerEpoch', 'an epoch takes every sample once'],
    ['classWeight', 'the loss weighs classes: nn.crossEntropy.with({ weight })'],
  ])('the option %s, which it has not', async (name, note) => {
    await training(samples, { [name]: 1 }).toThrow(`fit: unknown option ${name}; ${note}`);
  });

  it('the options of a checkpoint by other names', async () => {
    await training(samples, { checkpoint: { dir: 'x', every: 3 } }).toThrow(
      'fit: unknown option checkpoint.every; did you mean checkpoint.everySteps?',
    );
  });
});

describe('the other methods refuse', () => {
  const calls: readonly [name: string, call: () => unknown, message: string][] = [
    [
      'evaluate',
      () => trainer.evaluate(bad([])),
      'data must be a Dataset, as data.fromArrays() makes, got []',
    ],
    ['evaluate', () => trainer.evaluate(samples, bad({ batchsize: 1 })), 'did you mean batchSize?'],
    [
      'predict',
      () => trainer.predict(bad(undefined)),
      'input must be a tensor, numbers that make one, or a record of these, got',
    ],
    [
      'predict',
      () => trainer.predict(bad(samples)),
      'input must be a tensor, numbers that make one, or a record of these, got an',
    ],
    [
      'predict',
      () => Reflect.apply(trainer.predict, trainer, [[[1]], 'x']),
      'inputs must be a tensor, or numbers that make one, got x',
    ],
    ['inspect', () => trainer.inspect(samples, bad({ threshold: {} })), 'did you mean thresholds?'],
    ['profile', () => trainer.profile(samples, { steps: 0 }), 'steps must be a positive integer, got 0'],
    [
      'pace',
      () => trainer.pace(samples, bad({ numEpochs: 1 })),
      'unknown option numEpochs; did you mean epochs?',
    ],
    ['withAverages', () => trainer.withAverages(bad(3)), 'fn must be a function, got 3'],
  ];
  it.each(calls)('%s', async (name, call, message) => {
    await expect(call()).rejects.toThrow(message);
    await expect(call()).rejects.toThrow(new RegExp(`^${name}: `));
  });

  it('plan, maxBatch and those without arguments', () => {
    const optionsOf = (given: object) => bad(given);
    expect(() => trainer.plan(samples, optionsOf({ budget: '1MB' }))).toThrow(
      'plan: unknown option budget; did you mean memory?',
    );
    expect(() => trainer.plan(samples, { memory: 'lots' })).toThrow(
      'plan: memory must be a positive number of',
    );
    expect(() => trainer.maxBatch(samples, optionsOf({ max: 3 }))).toThrow('did you mean most?');
    expect(() => trainer.maxBatch(bad(undefined))).toThrow('maxBatch: data must be a Dataset');
    expect(() => Reflect.apply(trainer.pause, trainer, [true])).toThrow(
      'pause: takes no arguments, got true',
    );
    expect(trainer.paused).toBe(false);
  });

  it('take one object for a call of fit and what looks ahead to it', async () => {
    const run = { epochs: 2, batchSize: 2, shuffle: false, nonFinite: 'skip' } as const;
    expect(trainer.plan(samples, run).batchSize).toBe(2);
    expect(trainer.maxBatch(samples, bad(run))).toBe(4);
    expect(await trainer.inspect(samples, run)).toHaveProperty('findings');
  });

  it('takes what it took: numbers for a tensor, and a signal of another make', async () => {
    expect((await trainer.predict(bad([[1]]))).shape).toEqual([1, 1]);
    const signal = bad({
      aborted: false,
      addEventListener() {},
      removeEventListener() {},
      throwIfAborted() {},
    });
    expect(await trainer.evaluate(samples, { signal })).toHaveProperty('loss');
  });
});
