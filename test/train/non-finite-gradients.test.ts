import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { assign, data, io, maximum, nn, optim, type Tensor, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { useFolder } from '../helpers/folder.js';
import { failure } from '../helpers/graphs.js';
import { LONG } from '../helpers/long.js';
import { hashOf } from '../helpers/runs.js';
import { collect, noise } from '../helpers/training.js';

const folder = useFolder();
const BATCH = 4;
const FEATURES = 3;

/** The distance between output and target, whose gradient is NaN where both are equal. */
const distance = (output: Tensor, target: Tensor) => output.sub(target).square().mean(1).sqrt().mean();

/** Samples of a linear model without bias; in some batches the third one is 0, and so is its target. */
function samples(batches: number, bad: readonly number[]): data.Dataset {
  const inputs = noise(batches * BATCH * FEATURES, 5);
  const targets = noise(batches * BATCH, 9).map((x) => x + 3);
  for (const batch of bad) {
    const row = batch * BATCH + 2;
    inputs.fill(0, row * FEATURES, (row + 1) * FEATURES);
    targets[row] = 0;
  }
  return data.fromArrays(inputs, targets, { inputs: { shape: [FEATURES] }, targets: { shape: [1] } });
}

const linear = () => new nn.Linear(FEATURES, 1, { bias: false });

interface Setting {
  readonly optimizer?: optim.Optimizer;
  readonly workers?: number;
  readonly shards?: number;
  readonly model?: nn.Module;
}

function trainerOf({
  optimizer = optim.sgd({ lr: 0.1 }),
  workers = 1,
  shards = 4,
  model = linear(),
}: Setting = {}) {
  return new Trainer(model, { loss: distance, optimizer, workers, shards, seed: 2, metrics: {} });
}

const options = { batchSize: BATCH, shuffle: false } as const;

const optimizers: [string, () => optim.Optimizer][] = [
  ['momentum', () => optim.sgd({ lr: 0.1, momentum: 0.9, weightDecay: 0.1 })],
  ['the step count of Adam', () => optim.adam({ lr: 0.1 })],
  ['averages', () => optim.adamW({ lr: 0.1, average: 0.9 })],
  ['clipped norms', () => optim.adam({ lr: 0.1, clipNorm: 0.5 })],
  ['clipped values', () => optim.adam({ lr: 0.1, clipValue: 0.5 })],
  ['whole parameters', () => optim.adafactor({ lr: 0.1 })],
  ['a schedule', () => optim.adam({ lr: optim.stepLR({ lr: 0.1, stepSize: 2 }) })],
];

/** With the numbers of workers to train on: all, or in the sample one of them in turn. */
const onWorkers = optimizers.map(
  ([name, make], i) => [name, make, LONG ? [1, 2, 3] : [1 + (i % 3)]] as const,
);

describe('a gradient that is not finite while the loss is', () => {
  it.each([
    [1, 1],
    ...(LONG
      ? [
          [1, 4],
          [2, 4],
        ]
      : []),
    [3, 4],
  ] as [number, number][])(
    'stops %i workers with %i shards before the update, with the op',
    async (workers, shards) => {
      const trainer = trainerOf({ workers, shards, optimizer: optim.adam({ lr: 0.1 }) });
      const error = await failure(collect(trainer.fit(samples(6, [3]), { ...options, restartWorkers: 3 })));
      expect(error).toMatchObject({ code: 'ERR_CHAINRULE_NON_FINITE' });
      expect(error.message).toMatch(
        /^fit: the gradient must stay finite, but was not at epoch 1, step 3, where the loss was \d.*The parameters are those of the step before. div in \(loss\) made the first value that is not finite, in the backward pass, for the gradient of sqrt: 1 of its 4 values/,
      );
      expect(trainer.steps).toBe(3);
      const good = trainerOf({ workers, shards, optimizer: optim.adam({ lr: 0.1 }) });
      await collect(good.fit(samples(6, []).take(3 * BATCH), options));
      expect(hashOf(trainer.model)).toBe(hashOf(good.model));
    },
  );

  it.each(onWorkers)("with 'skip' is as if its batch had not been, with %s", async (_, optimizer, counts) => {
    const bad = [0, 3, 4, 8];
    const all = samples(10, bad);
    const rows = Array.from({ length: 10 * BATCH }, (_, i) => i);
    const good = all.subset(rows.filter((i) => !bad.includes(Math.floor(i / BATCH))));
    const expected = trainerOf({ optimizer: optimizer() });
    await collect(expected.fit(good, { ...options, epochs: 3 }));
    for (const workers of counts) {
      const trainer = trainerOf({ optimizer: optimizer(), workers });
      const epochs = await collect(trainer.fit(all, { ...options, epochs: 3, nonFinite: 'skip' }));
      expect(hashOf(trainer.model)).toBe(hashOf(expected.model));
      for (const { stepLosses, skippedSteps, loss } of epochs) {
        expect([...stepLosses].flatMap((x, i) => (Number.isNaN(x) ? [i] : []))).toEqual(bad);
        expect(skippedSteps).toBe(4);
        expect(loss).toBeGreaterThan(0);
      }
    }
  });

  it('leaves out an update whose steps are all skipped, also if they belong to two epochs', async () => {
    const optimizer = () => optim.adam({ lr: 0.1, accumulate: 3, weightDecay: 0.1 });
    const trainer = trainerOf({ optimizer: optimizer(), workers: 2 });
    // Steps 0 to 3, of which the last begins an update that the second epoch completes.
    await collect(trainer.fit(samples(4, [3]), { ...options, nonFinite: 'skip' }));
    const before = hashOf(trainer.model);
    await collect(trainer.fit(samples(2, [0, 1]), { ...options, nonFinite: 'skip' }));
    expect(hashOf(trainer.model)).toBe(before);
    await collect(trainer.fit(samples(3, []), { ...options, nonFinite: 'skip' }));
    const good = trainerOf({ optimizer: optimizer() });
    await collect(good.fit(samples(4, []).take(3 * BATCH), options));
    await collect(good.fit(samples(3, []), options));
    expect(hashOf(trainer.model)).toBe(hashOf(good.model));
  });

  it.each([{ clipNorm: 1 }, { clipValue: 1 }])('is not hidden by %o', async (clipping) => {
    // The slope is infinite without being NaN.
    const model = linear();
    const loss = (output: Tensor, target: Tensor) => output.abs().add(target.mul(0)).sqrt().mean();
    const zeros = data.fromArrays(new Float32Array(BATCH * FEATURES), new Float32Array(BATCH), {
      inputs: { shape: [FEATURES] },
      targets: { shape: [1] },
    });
    const trainer = new Trainer(model, { loss, optimizer: optim.sgd({ lr: 1, ...clipping }), workers: 1 });
    const before = hashOf(model);
    await expect(collect(trainer.fit(zeros))).rejects.toThrow('the gradient must stay finite');
    const [epoch] = await collect(trainer.fit(zeros, { nonFinite: 'skip' }));
    expect(epoch?.skippedSteps).toBe(1);
    expect(hashOf(model)).toBe(before);
  });

  it('is found in large products, whose gradients are bounded by their operands', async () => {
    const model = () => new nn.Sequential(new nn.Linear(256, 512), new nn.Tanh(), new nn.Linear(512, 1));
    for (const [workers, shards] of [
      ...(LONG
        ? [
            [1, 1],
            [1, 4],
          ]
        : []),
      [2, 4],
    ]) {
      const inputs = noise(32 * 256, 1);
      inputs[9 * 256 + 7] = Number.POSITIVE_INFINITY;
      const set = data.fromArrays(inputs, noise(32, 2), {
        inputs: { shape: [256] },
        targets: { shape: [1] },
      });
      const made = model();
      const trainer = new Trainer(made, {
        loss: nn.mseLoss,
        optimizer: optim.adam(),
        workers: workers as number,
        shards: shards as number,
      });
      const before = hashOf(made);
      const error = await failure(collect(trainer.fit(set, { batchSize: 32 })));
      expect(error.message).toMatch(
        /the gradient must stay finite.*the input must be finite, but 1 of its 8192 values/,
      );
      expect(hashOf(made)).toBe(before);
    }
  });

  it('is told of a buffer whose next value is not finite, and leaves it', async () => {
    const model = new nn.Sequential(new nn.BatchNorm1d(FEATURES), linear());
    const inputs = noise(BATCH * FEATURES, 4).map((x) => x * 1e25);
    const set = data.fromArrays(inputs, noise(BATCH, 5), {
      inputs: { shape: [FEATURES] },
      targets: { shape: [1] },
    });
    const trainer = new Trainer(model, { loss: nn.mseLoss, optimizer: optim.adam(), workers: 2, shards: 2 });
    const before = hashOf(model);
    const error = await failure(collect(trainer.fit(set, options)));
    expect(error.message).toMatch(
      /the gradient must stay finite.*in 0 made the first value that is not finite, in the forward pass/,
    );
    await collect(trainer.fit(set, { ...options, nonFinite: 'skip' }));
    expect(hashOf(model)).toBe(before);
  });

  it('takes no offence at a buffer that is infinite on purpose', async () => {
    class Least extends nn.Module {
      least = new nn.Buffer([1], { value: Number.POSITIVE_INFINITY });
      fc = linear();
      forward(x: Tensor): Tensor {
        assign(this.least, maximum(this.least, x.mean()));
        return this.fc.forward(x);
      }
    }
    const trainer = trainerOf({ model: new Least() });
    await collect(trainer.fit(samples(3, []), options));
    expect(trainer.steps).toBe(3);
  });
});

describe('gradients so large that their sum may overflow', () => {
  /** A weight whose gradient, the mean over the rows, is the mean of the inputs. */
  const slope = (output: Tensor, target: Tensor) => output.add(target.mul(0)).mean();
  const rowsOf = (values: readonly number[]) =>
    data.fromArrays(Float32Array.from(values), new Float32Array(values.length), {
      inputs: { shape: [1] },
      targets: { shape: [1] },
    });
  const trained = async (values: readonly number[], workers: number, factor = 1) => {
    const model = new nn.Linear(1, 1, { bias: false }).init(1);
    model.weight.storage.data.fill(0);
    const optimizer = optim.sgd({ lr: 2e-38 });
    const loss = (output: Tensor, target: Tensor) => slope(output, target).mul(factor);
    const trainer = new Trainer(model, { loss, optimizer, workers, shards: 4 });
    const [epoch] = await collect(trainer.fit(rowsOf(values), { ...options, nonFinite: 'skip' }));
    return { weight: model.weight.storage.data[0], skipped: epoch?.skippedSteps };
  };

  it.each(LONG ? [1, 2, 3, 4] : [3])('are judged by that sum, on %i workers', async (workers) => {
    const large = 3e38;
    // Each shard weighs a quarter, so that the sum is about the mean.
    const mean = await trained([large, large, large, large], workers);
    expect(mean).toMatchObject({ skipped: 0 });
    expect(mean.weight).toBeCloseTo(-6, 2);
    // Each shard's gradient is finite, and so may be their sum.
    expect(await trained([large, large, large, large], workers, 4)).toEqual({ weight: 0, skipped: 1 });
    expect(await trained([large, large, -large, -large], workers, 4)).toEqual({ weight: 0, skipped: 1 });
    expect(await trained([large, -large, large, -large], workers, 4)).toEqual({ weight: 0, skipped: 0 });
    const infinite = [large, large, large, Number.POSITIVE_INFINITY];
    expect(await trained(infinite, workers)).toEqual({ weight: 0, skipped: 1 });
  });

  it('are judged with those that are accumulated', async () => {
    const model = () => {
      const made = new nn.Linear(1, 1, { bias: false }).init(1);
      made.weight.storage.data.fill(0);
      return made;
    };
    for (const workers of [1, 2]) {
      const own = model();
      const optimizer = optim.sgd({ lr: 2e-38, accumulate: 2 });
      const trainer = new Trainer(own, { loss: slope, optimizer, workers, shards: 2 });
      const set = rowsOf([3e38, 3e38, 3e38, 3e38]);
      const [epoch] = await collect(trainer.fit(set, { batchSize: 2, shuffle: false, nonFinite: 'skip' }));
      // The sum of both steps overflows, so the second adds neither gradients nor weight.
      expect(epoch?.skippedSteps).toBe(1);
      expect(own.weight.storage.data[0]).toBeCloseTo(-6, 2);
    }
  });
});

describe('parameters that are not finite', () => {
  it.each(['stop', 'skip'] as const)("end training with '%s', and are named", async (nonFinite) => {
    const model = linear().init(1);
    model.weight.storage.data[1] = Number.NaN;
    const error = await failure(collect(trainerOf({ model }).fit(samples(3, []), { ...options, nonFinite })));
    expect(error.message).toMatch(
      /^fit: the parameters must be finite, but are not at epoch 1, step 0.*weight must be finite/,
    );
    expect(error).toMatchObject({ code: 'ERR_CHAINRULE_NON_FINITE' });
  });

  it.each([1, 2])('made by an update are told of at the end of the epoch, on %i workers', async (workers) => {
    // The square of the gradient overflows, and with it Adam's second moment, which would keep the weights for ever.
    const loss = (output: Tensor, target: Tensor) => nn.mseLoss(output, target).mul(1e21);
    const trainer = new Trainer(linear(), { loss, optimizer: optim.adam(), workers, shards: 2 });
    const error = await failure(collect(trainer.fit(samples(2, []), options)));
    expect(error.message).toMatch(
      /^fit: an update up to epoch 1 overflowed: training\/optimizer\/\w+\/weight must be finite, .*although loss and gradients were finite/,
    );
    expect(error).toMatchObject({ code: 'ERR_CHAINRULE_NON_FINITE' });
  });

  it.each(['throw', 'warn'] as const)("do not replace a checkpoint, with onError '%s'", async (onError) => {
    const dir = folder();
    const trainer = trainerOf();
    const checkpoint = { dir, everySteps: 1, keep: 1, onError };
    await collect(trainer.fit(samples(3, []), { ...options, checkpoint }));
    const [file] = readdirSync(dir);
    const broken = new Trainer(linear(), {
      loss: distance,
      optimizer: optim.sgd({ lr: 3e38 }),
      workers: 1,
      shards: 4,
      seed: 2,
    });
    // The very large rate makes the next updates overflow.
    const changed = { ...checkpoint, allow: ['optimizer'] };
    const run = broken.fit(samples(3, []), { ...options, epochs: 4, checkpoint: changed });
    expect(await failure(collect(run))).toMatchObject({ code: 'ERR_CHAINRULE_NON_FINITE' });
    for (const name of readdirSync(dir)) {
      const { tensors } = await io.readSafetensors(join(dir, name));
      expect([...(tensors.weight?.data ?? [])].every(Number.isFinite)).toBe(true);
    }
    expect(file).toBeDefined();
  });
});

describe('a run with skipped steps', () => {
  it('resumes to the same weights', async () => {
    const set = samples(10, [1, 4, 7]);
    const optimizer = () => optim.adam({ lr: 0.1, accumulate: 2 });
    const settings = { ...options, epochs: 3, nonFinite: 'skip' } as const;
    const whole = trainerOf({ optimizer: optimizer() });
    await collect(whole.fit(set, settings));
    const dir = folder();
    for (const stopAt of LONG ? [3, 9, 16, 22] : [9, 22]) {
      const abort = new AbortController();
      const trainer = trainerOf({ optimizer: optimizer(), workers: 2 });
      const checkpoint = { dir, everySteps: 1, sigterm: false };
      const onProgress = () => {
        if (trainer.steps >= stopAt) abort.abort(new Error('stopped'));
      };
      await collect(trainer.fit(set, { ...settings, checkpoint, signal: abort.signal, onProgress })).catch(
        () => {},
      );
    }
    const last = trainerOf({ optimizer: optimizer(), workers: 3 });
    await collect(last.fit(set, { ...settings, checkpoint: { dir, everySteps: 1 } }));
    expect(hashOf(last.model)).toBe(hashOf(whole.model));
  });
});

it('nonFinite is one of its values', async () => {
  for (const nonFinite of ['ignore', true, null]) {
    const run = trainerOf().fit(samples(1, []), { ...options, nonFinite: nonFinite as 'stop' });
    await expect(collect(run)).rejects.toThrow(`fit: nonFinite must be 'stop' or 'skip', got `);
  }
});
