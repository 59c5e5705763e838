import { data, nn, optim, Trainer, type TrainerOptions } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { LONG } from '../helpers/long.js';
import { convolutional, hashOf } from '../helpers/runs.js';

const random = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, i) => Math.sin(seed + i * 12.9898) * Math.cos(i * 0.37 + seed));

/** 45 samples in batches of 20: the last has 5, fewer than there are shards. */
async function trained(options: Partial<TrainerOptions>, workers: number, shards = 8) {
  const model = convolutional();
  const samples = data.fromArrays(
    random(45 * 72, 1),
    Int32Array.from({ length: 45 }, (_, i) => (i * i) % 5),
    { inputs: { shape: [6, 6, 2] } },
  );
  const trainer = new Trainer(model, {
    loss: nn.crossEntropy,
    optimizer: optim.adamW({ lr: 0.01 }),
    workers,
    shards,
    seed: 3,
    ...options,
  });
  const losses: number[] = [];
  for await (const epoch of trainer.fit(samples, { epochs: 3, batchSize: 20, validation: samples })) {
    losses.push(epoch.loss, epoch.validation?.loss ?? 0, ...epoch.stepLosses);
  }
  return { hash: hashOf(model), losses };
}

describe('the weights after some steps', () => {
  it.each<[string, () => Partial<TrainerOptions>, workers: number]>([
    ['a plain optimiser', () => ({ optimizer: optim.sgd({ lr: 0.05, momentum: 0.9 }) }), 11],
    [
      'clipping, accumulation and averages',
      () => ({ optimizer: optim.adamW({ lr: 0.01, clipNorm: 0.5, accumulate: 2, average: 0.9 }) }),
      3,
    ],
    [
      'a schedule that follows the validation',
      () => ({
        optimizer: optim.adam({ lr: optim.reduceOnPlateau({ lr: 0.05, patience: 0, threshold: 0.5 }) }),
      }),
      2,
    ],
  ])('have the same bits for any number of workers, with %s', async (_, options, some) => {
    const expected = await trained(options(), 1);
    for (const workers of LONG ? [2, 3, 5, 8, 11] : [some])
      expect(await trained(options(), workers)).toEqual(expected);
  });

  // 16 rows make a shard, and the largest product of a shard's gradients has two million terms: it is summed in
  // registers.
  it.each([
    ['at once', 128],
    ['together', 127],
  ])('have the same bits where shards of one worker run %s', async (_, batchSize) => {
    const run = async (workers: number) => {
      const model = new nn.Sequential(
        new nn.Linear(256, 512),
        new nn.ReLU(),
        new nn.Dropout(0.2),
        new nn.Linear(512, 320),
        new nn.Tanh(),
        new nn.Linear(320, 10),
      );
      const count = 300;
      const labels = Int32Array.from({ length: count }, (_, i) => (i * 7) % 10);
      const samples = data.fromArrays(random(count * 256, 5), labels, { inputs: { shape: [256] } });
      const optimizer = optim.adamW({ lr: 1e-3, clipNorm: 1 });
      const trainer = new Trainer(model, { loss: nn.crossEntropy, optimizer, workers, shards: 8, seed: 4 });
      for await (const _ of trainer.fit(samples, { epochs: 2, batchSize }));
      return hashOf(model);
    };
    const expected = await run(8);
    for (const workers of LONG ? [1, 2, 3, 5] : [3]) expect(await run(workers)).toBe(expected);
  });

  it('depend on the number of shards', async () => {
    expect((await trained({}, 1, 8)).hash).not.toBe((await trained({}, 1, 4)).hash);
  });

  it('are the same while trainings share the cores', async () => {
    const expected = await trained({}, 1);
    const both = await Promise.all([trained({ workers: 'auto' }, 1), trained({ workers: 'auto' }, 1)]);
    expect(both).toEqual([expected, expected]);
  });
});
