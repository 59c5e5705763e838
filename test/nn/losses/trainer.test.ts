import { compile, data, grad, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../../helpers/close.js';
import { failure } from '../../helpers/graphs.js';
import { collect, mlp, noise, points } from '../../helpers/training.js';

const sgd = () => optim.sgd({ lr: 0.1 });

/** The losses of the steps of one epoch, in a Trainer and in a hand-written loop. */
async function bothWays(loss: nn.Loss, samples: data.Dataset, classes = 3) {
  const options = { batchSize: 8, shuffle: false };
  const trainer = new Trainer(mlp(6, classes), { loss, optimizer: sgd(), workers: 1 });
  const [epoch] = await collect(trainer.fit(samples, options));
  const figures = await trainer.evaluate(samples, { batchSize: options.batchSize });
  const model = mlp(6, classes).init();
  const parameters = model.parameters();
  const rule = sgd();
  const step = compile((x: Tensor, y: Tensor) => {
    const value = loss(model.forward(x), y);
    rule.step(parameters, grad(value, parameters));
    return value;
  });
  const found: number[] = [];
  for (const { inputs, targets } of data.batches(samples, { batchSize: 8 })) {
    const value = await step(tensor(inputs.data, inputs), tensor(targets.data, targets));
    found.push(await value.item());
  }
  step.release();
  return { trained: [...(epoch?.stepLosses ?? [])], looped: found, figures };
}

const count = 32;
const inputs = { shape: [6] };
const labels = points(count);
const floats = (width: number, f: (value: number) => number) =>
  data.fromArrays(noise(count * 6, 1), noise(count * width, 2).map(f), {
    inputs,
    targets: { shape: [width] },
  });
const bytes = data.fromArrays(
  noise(count * 6, 1),
  Uint8Array.from({ length: count * 3 }, (_, i) => i % 2),
  {
    inputs,
    targets: { shape: [3] },
  },
);
const signs = data.fromArrays(
  noise(count * 6, 1),
  Int32Array.from({ length: count * 3 }, (_, i) => (i % 2) * 2 - 1),
  {
    inputs,
    targets: { shape: [3] },
  },
);
const gaps = data.fromArrays(
  noise(count * 6, 1),
  Int32Array.from({ length: count }, (_, i) => (i % 5 === 0 ? -100 : i % 3)),
  { inputs },
);
const shares = data.fromArrays(
  noise(count * 6, 1),
  Float32Array.from({ length: count * 3 }, (_, i) => [0.1, 0.2, 0.7][i % 3] as number),
  { inputs, targets: { shape: [3] } },
);

const cases: [name: string, loss: nn.Loss, samples: data.Dataset, metric?: string][] = [
  ['crossEntropy', nn.crossEntropy, labels, 'accuracy'],
  ['crossEntropy with labelSmoothing', nn.crossEntropy.with({ labelSmoothing: 0.1 }), labels, 'accuracy'],
  [
    'crossEntropy with ignoreIndex and weight',
    nn.crossEntropy.with({ ignoreIndex: -100, weight: [1, 2, 3] }),
    gaps,
    'accuracy',
  ],
  ['crossEntropy of probabilities', nn.crossEntropy, shares, 'accuracy'],
  ['multiMarginLoss', nn.multiMarginLoss, labels, 'accuracy'],
  ['mseLoss', nn.mseLoss, floats(3, (v) => v)],
  ['maeLoss', nn.maeLoss, floats(3, (v) => v)],
  ['huberLoss with delta', nn.huberLoss.with({ delta: 0.3 }), floats(3, (v) => v)],
  ['smoothL1Loss', nn.smoothL1Loss, bytes],
  ['binaryCrossEntropyWithLogits', nn.binaryCrossEntropyWithLogits, bytes, 'binaryAccuracy'],
  [
    'binaryCrossEntropyWithLogits with posWeight',
    nn.binaryCrossEntropyWithLogits.with({ posWeight: [1, 2, 3] }),
    bytes,
    'binaryAccuracy',
  ],
  ['hingeLoss', nn.hingeLoss, signs],
  ['squaredHingeLoss', nn.squaredHingeLoss, signs],
  [
    'klDivergence',
    (output, target) => nn.klDivergence(output.logSoftmax(), target, { reduction: 'batchmean' }),
    shares,
  ],
];

describe('a Trainer takes every loss', () => {
  it.each(cases)('%s, as a hand-written loop does', async (name, loss, samples, metric) => {
    const { trained, looped, figures } = await bothWays(loss, samples);
    expect(looped).toHaveLength(4);
    expectClose(name, trained, looped, { relative: 1e-5, floor: 1e-3 });
    expect(Object.keys(figures)).toEqual(metric ? ['loss', metric] : ['loss']);
    if (metric) {
      expect(figures[metric]).toBeGreaterThanOrEqual(0);
      expect(figures[metric]).toBeLessThanOrEqual(1);
    }
  });

  it('accuracy leaves out the samples that the loss ignores', async () => {
    const constant = new nn.Sequential(new nn.Linear(6, 3, { init: nn.init.zeros }));
    const trainer = new Trainer(constant, {
      loss: nn.crossEntropy.with({ ignoreIndex: -100 }),
      optimizer: optim.sgd({ lr: 0 }),
      workers: 1,
    });
    (constant[0] as nn.Linear).bias?.storage.data.set([1, 0, 0]);
    const figures = await trainer.evaluate(gaps, { batchSize: count });
    // Places that are no multiple of 5, of which the multiples of 3 have the class that is always chosen.
    const counted = Array.from({ length: count }, (_, i) => i).filter((i) => i % 5 !== 0);
    expect(figures.accuracy).toBeCloseTo(counted.filter((i) => i % 3 === 0).length / counted.length, 6);
  });

  it('metrics with options report beside the loss', async () => {
    const trainer = new Trainer(mlp(), {
      loss: nn.crossEntropy,
      optimizer: sgd(),
      workers: 1,
      metrics: { top2: nn.topKAccuracy.with({ k: 2 }), top3: nn.topKAccuracy.with({ k: 3 }) },
    });
    const figures = await trainer.evaluate(labels);
    expect(Object.keys(figures)).toEqual(['loss', 'top2', 'top3']);
    expect(figures.top3).toBe(1);
    expect(figures.top2).toBeLessThan(1);
  });

  it.each<[string, nn.Loss, data.Dataset, RegExp]>([
    [
      'a loss of samples',
      nn.mseLoss.with({ reduction: 'none' }),
      floats(3, (v) => v),
      /^Trainer: the loss must be a scalar/,
    ],
    ['hingeLoss of 0 and 1', nn.hingeLoss, bytes, /^hingeLoss: target at position 0 must be -1 or 1, got 0/],
    [
      'binaryCrossEntropyWithLogits of -1',
      nn.binaryCrossEntropyWithLogits,
      signs,
      /^binaryCrossEntropyWithLogits: target at position 0 must be from 0 to 1, got -1/,
    ],
    [
      'crossEntropy of labels that it does not ignore',
      nn.crossEntropy,
      gaps,
      /^crossEntropy: label at position 0 must be from 0 to 2, got -100/,
    ],
    [
      'crossEntropy of less than nothing',
      nn.crossEntropy,
      floats(3, (v) => v),
      /^crossEntropy: target at position \d+ must be a finite number of at least 0, got -/,
    ],
  ])('and refuses %s before it trains', async (_, loss, samples, message) => {
    const trainer = new Trainer(mlp(), { loss, optimizer: sgd(), workers: 1 });
    expect((await failure(collect(trainer.fit(samples)))).message).toMatch(message);
    expect(trainer.steps).toBe(0);
  });
});

describe('topKAccuracy', () => {
  const accuracy = async (output: number[][], label: number[], k: number) =>
    nn.topKAccuracy(tensor(output), tensor(Int32Array.from(label)), { k }).item();

  it('counts equal outputs for the label, and NaN against it', async () => {
    expect(await accuracy([[2, 2, 2]], [2], 1)).toBe(1);
    expect(await accuracy([[3, 2, 1]], [2], 2)).toBe(0);
    expect(await accuracy([[Number.NaN, 2, 1]], [1], 1)).toBe(0);
    expect(await accuracy([[Number.NaN, 2, 1]], [0], 2)).toBe(0);
    expect(await accuracy([[3, 2, 1]], [2], 9)).toBe(1);
  });
});
