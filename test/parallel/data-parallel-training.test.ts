import {
  assign,
  compile,
  data,
  dataParallel,
  grad,
  nn,
  optim,
  type Tensor,
  Trainer,
  tensor,
} from 'chainrule';
import { afterEach, describe, expect, it } from 'vitest';
import { LONG } from '../helpers/long.js';
import { convolutional, hashOf } from '../helpers/runs.js';
import { noise } from '../helpers/training.js';

const SEED = 3;

/** 45 samples: in batches of 20 the last has 5, fewer than 8 shards. */
const samples = data.fromArrays(
  noise(45 * 72, 1),
  Int32Array.from({ length: 45 }, (_, i) => (i * i) % 5),
  { inputs: { shape: [6, 6, 2] } },
);

const network = () => convolutional().init(SEED);

type Step = ((x: Tensor, y: Tensor) => Promise<Tensor>) & { close?: () => Promise<void> };

const opened: Step[] = [];

afterEach(async () => {
  for (const step of opened.splice(0)) await step.close?.();
});

/** The step that users write. */
const stepOf = (model: nn.Module, optimizer: optim.Optimizer) => (x: Tensor, y: Tensor) => {
  const loss = nn.crossEntropy(model.forward(x), y);
  const parameters = model.parameters();
  optimizer.step(parameters, grad(loss, parameters));
  return loss;
};

/** The same for any function: steps are averaged by the rows of their batches. */
const weighedStepOf = (model: nn.Module, optimizer: optim.Optimizer) => (x: Tensor, y: Tensor) => {
  const loss = nn.crossEntropy(model.forward(x), y);
  const parameters = model.parameters();
  optimizer.step(parameters, grad(loss, parameters), { weight: x.shape[0] as number });
  return loss;
};

function shared(fn: (x: Tensor, y: Tensor) => Tensor, workers: number, shards: number) {
  const step = dataParallel(fn, { workers, shards, seed: SEED });
  opened.push(step);
  return step;
}

/** Takes the samples in the order of a trainer, and gives the losses. */
async function loop(step: Step, epochs: number): Promise<number[]> {
  const losses: number[] = [];
  for (let epoch = 1; epoch <= epochs; epoch++) {
    for (const { inputs, targets } of data.batches(samples, {
      batchSize: 20,
      shuffle: true,
      epoch,
      seed: SEED,
    })) {
      const loss = await step(tensor(inputs.data, inputs), tensor(targets.data, targets));
      losses.push(await loss.item());
    }
  }
  return losses;
}

const optimizers: [string, () => optim.Optimizer][] = [
  ['momentum', () => optim.sgd({ lr: 0.05, momentum: 0.9 })],
  ['groups', () => optim.adam({ lr: 0.01, groups: [{ match: /bias/, lr: 0.03 }] })],
  ['whole parameters', () => optim.adafactor({ lr: 0.01 })],
  [
    'clipping, accumulation and averages',
    () => optim.adamW({ lr: 0.01, clipNorm: 0.5, accumulate: 2, average: 0.9 }),
  ],
];

describe('a loop around a data-parallel step', () => {
  it.each(optimizers)('makes the very weights of a Trainer, with %s', async (_, optimizer) => {
    const model = network();
    const options = { loss: nn.crossEntropy, optimizer: optimizer(), workers: 2, shards: 8, seed: SEED };
    const losses: number[] = [];
    for await (const epoch of new Trainer(model, options).fit(samples, { epochs: 3, batchSize: 20 })) {
      losses.push(...epoch.stepLosses);
    }
    for (const workers of LONG ? [1, 2, 3, 8] : [3]) {
      const own = network();
      const found = await loop(shared(stepOf(own, optimizer()), workers, 8), 3);
      expect(found).toEqual(losses.map(Math.fround));
      expect(hashOf(own)).toBe(hashOf(model));
    }
  });

  it('depends on the number of shards', async () => {
    const hashes = [];
    for (const shards of [4, 8]) {
      const model = network();
      await loop(shared(stepOf(model, optim.sgd({ lr: 0.1 })), 1, shards), 1);
      hashes.push(hashOf(model));
    }
    expect(hashes[0]).not.toBe(hashes[1]);
  });

  it('weighs gradients that were changed', async () => {
    const [one, two] = [network().eval(), network().eval()];
    const doubled = (model: nn.Module) => {
      const optimizer = optim.sgd({ lr: 0.05 });
      return (x: Tensor, y: Tensor) => {
        const loss = nn.crossEntropy(model.forward(x), y);
        const parameters = model.parameters();
        const gradients = grad(loss, parameters).map((gradient) => gradient.mul(2));
        optimizer.step(parameters, gradients);
        return loss;
      };
    };
    await loop(compile(doubled(one)), 1);
    await loop(shared(doubled(two), 2, 3), 1);
    expectClose(two, one);
  });

  it('leaves frozen parameters as they are', async () => {
    const model = network();
    model.namedChildren()[0]?.[1].freeze();
    const before = model.parameters().map(({ storage }) => [...storage.data]);
    await loop(shared(stepOf(model, optim.sgd({ lr: 0.1 })), 2, 2), 1);
    const same = model.parameters().map(({ storage }, i) => `${[...storage.data]}` === `${before[i]}`);
    expect(same).toEqual([true, true, false, false, false, false]);
  });
});

/** Compares all parameters of two models, whose values were rounded in another order. */
function expectClose(found: nn.Module, expected: nn.Module): void {
  found.parameters().forEach(({ storage }, i) => {
    const wanted = expected.parameters()[i]?.storage.data;
    storage.data.forEach((value, at) => {
      expect(Math.abs(value - (wanted?.[at] as number))).toBeLessThan(2e-5);
    });
  });
}

describe('the state of an optimiser', () => {
  /** In inference, so that whole batches and shards mean the same. */
  const still = () => network().eval();
  const optimizer = () => optim.adam({ lr: 0.01, accumulate: 2, average: 0.9, clipNorm: 1 });

  it('goes on from compiled steps to data-parallel ones and back', async () => {
    const [expected, model] = [still(), still()];
    const [reference, own] = [optimizer(), optimizer()];
    const whole = compile(weighedStepOf(expected, reference));
    for (let i = 0; i < 3; i++) await loop(whole, 1);
    const [alone, both] = [compile(weighedStepOf(model, own)), shared(weighedStepOf(model, own), 2, 4)];
    await loop(alone, 1);
    await loop(both, 1);
    await loop(alone, 1);
    expect(own.steps).toBe(reference.steps);
    expectClose(model, expected);
    await reference.withAverages(() => own.withAverages(() => expectClose(model, expected)));
  });

  it('is the same for two functions', async () => {
    const [expected, model] = [still(), still()];
    const [reference, own] = [optimizer(), optimizer()];
    const whole = compile(weighedStepOf(expected, reference));
    for (let i = 0; i < 3; i++) await loop(whole, 1);
    const [first, second] = [
      shared(weighedStepOf(model, own), 2, 4),
      shared(weighedStepOf(model, own), 1, 2),
    ];
    for (const step of [first, second, first]) await loop(step, 1);
    expectClose(model, expected);
  });

  it('and the parameters may be moved by a Trainer in between', async () => {
    const [expected, model] = [still(), still()];
    const [reference, own] = [optimizer(), optimizer()];
    const whole = compile(weighedStepOf(expected, reference));
    for (let i = 0; i < 2; i++) await loop(whole, 1);
    const step = shared(weighedStepOf(model, own), 2, 4);
    const predict = shared((x) => model.forward(x), 2, 2);
    const x = tensor(samples.inputs.data.slice(0, 3 * 72), { shape: [3, 6, 6, 2] });
    const y = tensor(new Int32Array(3));
    await loop(step, 1);
    await predict(x, y);
    new Trainer(model, { loss: nn.crossEntropy, optimizer: optim.sgd({ lr: 0 }) });
    await loop(step, 1);
    expectClose(model, expected);
    const found = [...(await (await predict(x, y)).data())];
    const wanted = [...(await (await compile(() => model.forward(x))()).data())];
    found.forEach((value, i) => {
      expect(value).toBeCloseTo(wanted[i] as number, 5);
    });
  });
});

describe('variables that the function assigns', () => {
  it('take the mean of the shards, weighted by their rows', async () => {
    const largest = new nn.Buffer([2]);
    const step = dataParallel((x: Tensor) => void assign(largest, x.max(0)) as undefined, {
      workers: 2,
      shards: 3,
    });
    await step([
      [1, 9],
      [2, 8],
      [3, 7],
      [5, 1],
      [4, 1],
    ]);
    // Rows 0, then 1 and 2, then 3 and 4.
    const expected = [(1 + 2 * 3 + 2 * 5) / 5, (9 + 2 * 8 + 2 * 1) / 5];
    [...largest.storage.data].forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 5);
    });
    await step.close();
  });
});
