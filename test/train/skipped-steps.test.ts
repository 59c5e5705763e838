import { data, nn, optim, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { failure } from '../helpers/graphs.js';
import { LONG } from '../helpers/long.js';
import { hashOf, normalised } from '../helpers/runs.js';
import { collect, noise } from '../helpers/training.js';

const BATCH = 8;
const FEATURES = 6;

/** Samples, where the last row of some batches contains non-finite numbers. */
function spoilt(batches: number, bad: readonly number[], value = Number.NaN): data.Dataset {
  const inputs = noise(batches * BATCH * FEATURES, 3);
  for (const batch of bad) inputs[((batch + 1) * BATCH - 1) * FEATURES] = value;
  const labels = Int32Array.from({ length: batches * BATCH }, (_, i) => (i * i) % 3);
  return data.fromArrays(inputs, labels, { inputs: { shape: [FEATURES] } });
}

function trainerOf(optimizer: optim.Optimizer, workers = 1, more: { model?: nn.Module } = {}) {
  const { model = normalised(FEATURES, 8) } = more;
  return new Trainer(model, { loss: nn.crossEntropy, optimizer, workers, shards: 4, seed: 2 });
}

const options = { batchSize: BATCH, shuffle: false, nonFinite: 'skip' } as const;

/** Results of one call of `fit`. */
async function fitted(trainer: Trainer, samples: data.Dataset) {
  const [epoch] = await collect(trainer.fit(samples, options));
  const { loss, stepLosses, skippedSteps } = epoch ?? {};
  return { epoch: { loss, stepLosses: [...(stepLosses ?? [])], skippedSteps }, hash: hashOf(trainer.model) };
}

const optimizers: [string, () => optim.Optimizer][] = [
  ['momentum', () => optim.sgd({ lr: 0.1, momentum: 0.9, weightDecay: 0.1 })],
  ['clipping and averages', () => optim.adamW({ lr: 0.02, clipNorm: 0.3, average: 0.9 })],
  ['accumulation', () => optim.adam({ lr: 0.02, accumulate: 2 })],
  ['clipped accumulation', () => optim.adamW({ lr: 0.02, accumulate: 3, clipNorm: 0.3 })],
];

describe("with nonFinite: 'skip'", () => {
  it.each(optimizers)(
    'the same steps are skipped on any number of workers, with %s',
    async (_, optimizer) => {
      const samples = spoilt(10, [0, 3, 4, 8], Number.POSITIVE_INFINITY);
      const expected = await fitted(trainerOf(optimizer()), samples);
      const losses = expected.epoch.stepLosses;
      expect(losses.flatMap((loss, step) => (Number.isNaN(loss) ? [step] : []))).toEqual([0, 3, 4, 8]);
      expect(expected.epoch.skippedSteps).toBe(4);
      const finite = losses.filter(Number.isFinite);
      expect(expected.epoch.loss).toBeCloseTo(finite.reduce((a, b) => a + b) / finite.length, 12);
      for (const workers of LONG ? [2, 3, 5] : [3]) {
        expect(await fitted(trainerOf(optimizer(), workers), samples)).toEqual(expected);
      }
    },
  );

  it.each(optimizers)('an epoch of such steps changes nothing, with %s', async (_, optimizer) => {
    const trainer = trainerOf(optimizer(), 2);
    // Whole updates, so that none begins in one epoch and ends in another.
    await fitted(trainer, spoilt(6, []));
    const before = hashOf(trainer.model);
    const { epoch, hash } = await fitted(trainer, spoilt(6, [0, 1, 2, 3, 4, 5]));
    expect(hash).toBe(before);
    expect(epoch).toMatchObject({ skippedSteps: 6, loss: Number.NaN });
    expect(trainer.steps).toBe(12);
  });

  it('a step leaves parameters, state and buffers as if it had not been', async () => {
    // The rule does not depend on the step count, and nothing is drawn at random, so the other steps determine the
    // result.
    const optimizer = () => optim.sgd({ lr: 0.1, momentum: 0.9, clipNorm: 0.5 });
    const model = () =>
      new nn.Sequential(new nn.Linear(FEATURES, 8), new nn.BatchNorm1d(8), new nn.Linear(8, 3));
    const samples = spoilt(7, [2, 5]);
    const good = samples.subset(
      Array.from({ length: 7 * BATCH }, (_, i) => i).filter((i) => ![2, 5].includes(Math.floor(i / BATCH))),
    );
    const skipping = await fitted(trainerOf(optimizer(), 2, { model: model() }), samples);
    const { hash } = await fitted(trainerOf(optimizer(), 2, { model: model() }), good);
    expect(skipping.hash).toBe(hash);
  });

  it('steps that are accumulated count without those that are skipped', async () => {
    const optimizer = () => optim.sgd({ lr: 0.1, accumulate: 2 });
    const model = () => new nn.Linear(FEATURES, 3);
    // The mean over the samples of the step that counts: a whole step by it.
    const { hash } = await fitted(trainerOf(optimizer(), 2, { model: model() }), spoilt(2, [1]));
    const alone = trainerOf(optim.sgd({ lr: 0.1 }), 2, { model: model() });
    expect(hash).toBe((await fitted(alone, spoilt(2, [1]).take(BATCH))).hash);
  });
});

describe("with nonFinite: 'stop'", () => {
  it.each([1, 2, 3])('%i workers end at the step, whose op and layer are named', async (workers) => {
    const trainer = trainerOf(optim.adam(), workers);
    const run = trainer.fit(spoilt(6, [3]), { batchSize: BATCH, shuffle: false, restartWorkers: 5 });
    const error = await failure(collect(run));
    expect(error.message).toMatch(
      /^fit: the loss must stay finite, but was NaN at epoch 1, step 3; .*the input must be finite, but 1 of its 48 values/s,
    );
    expect(trainer.steps).toBe(3);
    const good = trainerOf(optim.adam(), workers);
    await fitted(good, spoilt(6, []).take(3 * BATCH));
    expect(hashOf(trainer.model)).toBe(hashOf(good.model));
  });
});
