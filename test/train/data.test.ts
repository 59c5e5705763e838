import { createHash } from 'node:crypto';
import { data, nn, optim, type Tensor, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { hashIntegers } from '../helpers/random-graph/random.js';

const module = new URL('../helpers/programs/decode-sample.mjs', import.meta.url);
const COUNT = 29;
const images = data.fromArrays(
  Uint8Array.from(hashIntegers(COUNT * 48, 5, 256)),
  Int32Array.from(hashIntegers(COUNT, 6, 4)),
  { inputs: { shape: [4, 4, 3] } },
);

class Classifier extends nn.Module {
  readonly layer: nn.Linear;

  constructor(readonly inputs = 48) {
    super();
    this.layer = new nn.Linear(inputs, 4);
  }

  forward(x: Tensor): Tensor {
    return this.layer.forward(x.reshape([-1, this.inputs]));
  }
}

async function train(
  set: data.Dataset,
  workers: number,
  more: { inputs?: number; validation?: data.Dataset } = {},
) {
  const model = new Classifier(more.inputs);
  const trainer = new Trainer(model, {
    loss: nn.crossEntropy,
    optimizer: optim.adam(),
    workers,
    shards: 5,
    seed: 3,
  });
  const results = [];
  const { validation } = more;
  for await (const result of trainer.fit(set, {
    epochs: 2,
    batchSize: 12,
    ...(validation ? { validation } : {}),
  }))
    results.push(result);
  const hash = createHash('sha256');
  for (const parameter of model.parameters()) hash.update(await parameter.data());
  return { results, weights: hash.digest('hex'), trainer };
}

const all = images.transform([
  data.flip(),
  data.crop({ padding: 1 }),
  data.affine({ degrees: 10 }),
  data.colorJitter({ brightness: 0.2, contrast: 0.2, saturation: 0.2 }),
  data.normalize({ mean: 0.5, std: 0.25 }),
  data.cutout({ size: 2 }),
  data.noise({ std: 0.1 }),
]);

describe('training on transformed samples', () => {
  it.each<[string, data.Dataset]>([
    ['all transforms', all],
    ['mixed samples', all.transform([data.mixup({ classes: 4 })])],
    [
      'a module, which cannot load some',
      images.transform([
        data.flip(),
        data.custom(module, { options: { bad: [3, 4, 11, 20] }, onBadItem: 'skip' }),
        data.normalize({ mean: 0.5, std: 0.25, divisor: 255 }),
        data.mixup({ classes: 4 }),
      ]),
    ],
  ])('gives the same bits on any number of workers: %s', async (_, set) => {
    const one = await train(set, 1, {
      validation: images.transform([data.normalize({ mean: 0.5, std: 0.25 })]),
    });
    for (const workers of [2, 3, 5]) {
      const many = await train(set, workers, {
        validation: images.transform([data.normalize({ mean: 0.5, std: 0.25 })]),
      });
      expect(many.weights).toBe(one.weights);
      expect(many.results.map(({ skippedItems, validation }) => ({ skippedItems, validation }))).toEqual(
        one.results.map(({ skippedItems, validation }) => ({ skippedItems, validation })),
      );
    }
  });

  it('trains on what it loads: as on a data set of such samples', async () => {
    const fixed = images.transform([data.crop({ size: 2, padding: 1 }), data.noise({ std: 20 })]);
    const stored = (epoch: number) => {
      const [batch] = [...data.batches(fixed, { batchSize: COUNT, seed: 3, epoch })];
      return data.fromArrays(batch?.inputs ?? [], batch?.targets ?? []);
    };
    const trainer = (inputs: number) =>
      new Trainer(new Classifier(inputs), {
        loss: nn.crossEntropy,
        optimizer: optim.sgd({ lr: 1e-3 }),
        workers: 2,
        shards: 2,
        seed: 3,
      });
    const [transformed, plain] = [trainer(12), trainer(12)];
    for await (const { stepLosses } of transformed.fit(fixed, { shuffle: false })) {
      for await (const expected of plain.fit(stored(1), { shuffle: false }))
        expect(stepLosses).toEqual(expected.stepLosses);
    }
    expect(await transformed.evaluate(fixed)).toEqual(await plain.evaluate(stored(0)));
    expect((await transformed.inspect(fixed)).loss).toBeCloseTo((await plain.inspect(stored(0))).loss, 6);
  });

  it('counts samples that others stand in for, which are the next that can be loaded', async () => {
    const set = images.transform([data.custom(module, { options: { bad: [3, 4, 28] }, onBadItem: 'skip' })]);
    const { results } = await train(set, 3);
    expect(results.map(({ skippedItems }) => skippedItems)).toEqual([3, 3]);
    const loaded: number[] = [];
    for await (const { targets } of data.batches(set, { batchSize: 12 })) loaded.push(...targets.data);
    const labels = [...images.targets.data];
    // The last sample of the last batch is followed by its first.
    expect(loaded).toEqual(
      labels.map((label, i) => (i === 3 || i === 4 ? labels[5] : i === 28 ? labels[24] : label)),
    );
  });

  it.each<[string, object, string]>([
    ['throws', { bad: [7] }, 'sample 7 could not be loaded: no image'],
    [
      'gives too few numbers',
      { bad: [7], kind: 'short' },
      'sample 7 could not be loaded: it must give 48 numbers or nothing, got 2 numbers',
    ],
    ['is asynchronous', { bad: [7], kind: 'async' }, 'the function must not be asynchronous'],
  ])('names the sample where a module %s', async (_, options, message) => {
    await expect(train(images.transform([data.custom(module, { options })]), 2)).rejects.toThrow(message);
  });

  it('is an error where no sample of a batch can be loaded', async () => {
    const options = { bad: Array.from({ length: COUNT }, (_, i) => i) };
    const set = images.transform([data.custom(module, { options, onBadItem: 'skip' })]);
    await expect(train(set, 2)).rejects.toThrow('no sample of a batch could be loaded');
  });

  it('takes a module that decodes to another shape', async () => {
    const set = images.transform([
      data.custom(module, { shape: [6, 5, 1], dtype: 'uint8' }),
      data.crop({ size: 4 }),
      data.normalize({ mean: 0.5, std: 0.5 }),
    ]);
    expect(set.loaded.inputs).toEqual({ shape: [4, 4, 1], dtype: 'float32' });
    const [one, two] = [await train(set, 1, { inputs: 16 }), await train(set, 2, { inputs: 16 })];
    expect(two.weights).toBe(one.weights);
  });
});
