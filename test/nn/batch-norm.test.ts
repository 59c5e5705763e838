import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, data, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { decode, type Recorded, readFixture, toTensor } from '../helpers/fixtures.js';
import { hashUniform } from '../helpers/random-graph/random.js';
import { collect } from '../helpers/training.js';

interface Steps {
  readonly batches: readonly Recorded[];
  readonly means: readonly Recorded[];
  readonly variances: readonly Recorded[];
  /** Output for the first batch, in eval mode after all steps. */
  readonly output: Recorded;
}

const { running } = readFixture<{ running: Readonly<Record<string, Steps>> }>('norm_layers');
const create: Record<string, () => nn.BatchNorm1d | nn.BatchNorm2d> = {
  BatchNorm1d: () => new nn.BatchNorm1d(3),
  'BatchNorm1d of a momentum of 0.3': () => new nn.BatchNorm1d(3, { momentum: 0.3 }),
  'BatchNorm1d of no momentum': () => new nn.BatchNorm1d(3, { momentum: null }),
  BatchNorm2d: () => new nn.BatchNorm2d(2),
};
const statistics = (layer: nn.BatchNorm1d) =>
  [layer.running_mean, layer.running_var].flatMap((buffer) => [...(buffer?.storage.data ?? [])]);
const numbers = (shape: readonly number[], seed: number, low = -2, high = 2) =>
  tensor(
    Float32Array.from(
      hashUniform(
        shape.reduce((a, b) => a * b),
        seed,
        low,
        high,
      ),
    ),
    { shape },
  );

describe('running statistics against PyTorch', () => {
  it('compares every recorded layer', () => {
    expect(Object.keys(create).sort()).toEqual(Object.keys(running).sort());
  });

  it.each(Object.entries(running))('%s has those of every step', async (name, steps) => {
    const layer = create[name]?.() as nn.BatchNorm1d;
    const run = compile((x: Tensor) => layer.forward(x));
    for (const [i, batch] of steps.batches.entries()) {
      await run(toTensor(batch));
      const expected = [steps.means[i], steps.variances[i]].flatMap((x) => [...decode(x as Recorded)]);
      expectClose(`step ${i}`, statistics(layer), expected, { relative: 1e-6 });
    }
    layer.eval();
    const output = await run(toTensor(steps.batches[0] as Recorded));
    expectClose('eval', await output.data(), decode(steps.output), { relative: 1e-5 });
    run.release();
  });
});

describe('BatchNorm', () => {
  const x = numbers([6, 3], 1);

  it('keeps its statistics in inference, and outside of a compiled function', async () => {
    const layer = new nn.BatchNorm1d(3);
    const before = statistics(layer);
    const training = await layer.forward(x).data();
    expect(statistics(layer)).toEqual(before);
    layer.eval();
    const run = compile((y: Tensor) => layer.forward(y));
    const inference = await (await run(x)).data();
    expect(statistics(layer)).toEqual(before);
    expect(inference).not.toEqual(training);
    layer.train();
    expect(await (await run(x)).data()).toEqual(training);
    expect(statistics(layer)).not.toEqual(before);
    run.release();
  });

  it('moves its statistics once for every call in one function', async () => {
    const [once, twice] = [new nn.BatchNorm1d(3), new nn.BatchNorm1d(3)];
    const y = numbers([4, 3], 2);
    const single = compile((input: Tensor) => once.forward(input));
    await single(x);
    await single(y);
    const double = compile((first: Tensor, second: Tensor) => [twice.forward(first), twice.forward(second)]);
    await double(x, y);
    expect(statistics(twice)).toEqual(statistics(once));
  });

  it('has no statistics where they are not tracked', async () => {
    const layer = new nn.BatchNorm1d(3, { trackRunningStats: false, affine: false });
    expect(layer.namedBuffers()).toEqual([]);
    expect(layer.namedParameters()).toEqual([]);
    const training = await layer.forward(x).data();
    expect(await layer.eval().forward(x).data()).toEqual(training);
  });

  it('keeps mean 0 and variance 1 far from 0', async () => {
    const far = numbers([64, 2], 3, 1000, 1001);
    const values = [...(await new nn.BatchNorm1d(2, { eps: 0 }).forward(far).data())];
    const column = values.filter((_, i) => i % 2 === 0);
    const mean = column.reduce((a, b) => a + b) / 64;
    expect(Math.abs(mean)).toBeLessThan(1e-3);
    expect(column.reduce((a, b) => a + (b - mean) ** 2, 0) / 64).toBeCloseTo(1, 4);
  });

  it('takes one sample in inference alone', () => {
    const layer = new nn.BatchNorm1d(3);
    const message = 'BatchNorm1d: needs more than one value per channel for its statistics, got [1,3]';
    expect(() => layer.forward(numbers([1, 3], 4))).toThrow(message);
    expect(layer.eval().forward(numbers([1, 3], 4)).shape).toEqual([1, 3]);
  });

  it('is saved and loaded with its statistics, under the names of PyTorch', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'chainrule-norm-'));
    try {
      const path = join(directory, 'norm.safetensors');
      const layer = new nn.Sequential(new nn.BatchNorm1d(3));
      const run = compile((y: Tensor) => layer.forward(y));
      await run(x);
      run.release();
      await layer.save(path);
      const loaded = new nn.Sequential(new nn.BatchNorm1d(3));
      await loaded.load(path);
      expect(loaded.namedBuffers().map(([name]) => name)).toEqual(['0.running_mean', '0.running_var']);
      expect(statistics(loaded[0] as nn.BatchNorm1d)).toEqual(statistics(layer[0] as nn.BatchNorm1d));
      const original = await layer.eval().forward(x).data();
      expect(await loaded.eval().forward(x).data()).toEqual(original);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('BatchNorm in a Trainer', () => {
  const inputs = hashUniform(40 * 4, 5, 1, 3);
  const samples = data.fromArrays(
    Float32Array.from(inputs),
    Int32Array.from({ length: 40 }, (_, i) => ((inputs[4 * i] as number) > 2 ? 1 : 0)),
    { inputs: { shape: [4] } },
  );
  const trained = async (
    workers: number,
    batchSize: number,
    { lr = 0, statistics: of = 'batch' }: { lr?: number; statistics?: 'batch' | 'shard' } = {},
  ) => {
    const model = new nn.Sequential(new nn.BatchNorm1d(4, { statistics: of }), new nn.Linear(4, 2));
    const trainer = new Trainer(model, {
      loss: nn.crossEntropy,
      optimizer: optim.sgd({ lr }),
      workers,
      shards: workers,
      seed: 3,
    });
    const epochs = await collect(trainer.fit(samples, { batchSize, shuffle: false, epochs: lr ? 20 : 1 }));
    const figures = await trainer.evaluate(samples);
    return { model, epochs, figures, norm: model[0] as nn.BatchNorm1d };
  };

  /** The statistics behind one epoch: for each batch, the mean over parts of it, weighted by their rows. */
  function expected(parts: number, batchSize: number): number[] {
    const found = { mean: [0, 0, 0, 0], variance: [1, 1, 1, 1] };
    for (let start = 0; start < 40; start += batchSize) {
      const rows = Math.min(batchSize, 40 - start);
      for (let channel = 0; channel < 4; channel++) {
        let [mean, variance] = [0, 0];
        for (let shard = 0; shard < parts; shard++) {
          const [from, to] = [shard, shard + 1].map((s) => start + Math.floor((rows * s) / parts)) as [
            number,
            number,
          ];
          const own = Array.from({ length: to - from }, (_, i) => inputs[4 * (from + i) + channel] as number);
          const center = own.reduce((a, b) => a + b) / own.length;
          mean += (center * own.length) / rows;
          variance +=
            ((own.reduce((a, b) => a + (b - center) ** 2, 0) / (own.length - 1)) * own.length) / rows;
        }
        found.mean[channel] = 0.9 * (found.mean[channel] as number) + 0.1 * mean;
        found.variance[channel] = 0.9 * (found.variance[channel] as number) + 0.1 * variance;
      }
    }
    return [...found.mean, ...found.variance];
  }

  it.each([
    [1, 20],
    [1, 16],
    [2, 20],
    [2, 15],
    [3, 16],
  ])('keeps the running statistics of %d workers for batches of %d', async (workers, batchSize) => {
    const { norm } = await trained(workers, batchSize);
    expectClose('of batches', statistics(norm), expected(1, batchSize), { relative: 1e-5 });
    const { norm: alone } = await trained(workers, batchSize, { statistics: 'shard' });
    expectClose('of shards', statistics(alone), expected(workers, batchSize), { relative: 1e-5 });
  });

  it('learns, and evaluates by the running statistics', async () => {
    const { figures, epochs } = await trained(2, 20, { lr: 0.5 });
    const [first, last] = [epochs[0], epochs.at(-1)];
    expect(last?.loss).toBeLessThan(0.6 * (first?.loss as number));
    expect(figures.accuracy).toBeGreaterThan(0.85);
  });

  it('refuses shards of one row', async () => {
    const message = 'BatchNorm1d: needs more than one value per channel for its statistics, got [1,4]';
    await expect(trained(1, 39)).rejects.toThrow(message);
  });
});
