import { assign, data, maximum, nn, optim, type Tensor, Trainer, zeros } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { failure } from '../helpers/graphs.js';
import { collect, noise } from '../helpers/training.js';

/** A model whose shards are computed at once or, if they are of two sizes, run together, with a buffer that it keeps at infinity. */
class Bounded extends nn.Module {
  layers = new nn.Sequential(new nn.Linear(256, 512), new nn.Tanh(), new nn.Linear(512, 256));
  bound = new nn.Buffer([1], { value: Number.POSITIVE_INFINITY });
  forward(x: Tensor): Tensor {
    assign(this.bound, maximum(this.bound, zeros([1])));
    return this.layers.forward(x);
  }
}

describe('a buffer that begins at infinity', () => {
  it.each([
    [1, 1],
    [1, 2],
    [2, 2],
    [1, 4],
  ])('is not judged, on %i workers with %i shards', async (workers, shards) => {
    const rows = noise(63 * 256, 1);
    const set = data.fromArrays(rows, rows, { inputs: { shape: [256] }, targets: { shape: [256] } });
    const optimizer = optim.sgd({ lr: 0.01 });
    const trainer = new Trainer(new Bounded(), { loss: nn.mseLoss, optimizer, workers, shards });
    const [epoch] = await collect(trainer.fit(set, { batchSize: 63 }));
    expect(epoch?.loss).toBeGreaterThan(0);
  });
});

describe('gradients accumulated over steps', () => {
  /** A weight whose gradient is the input. */
  const trainerOf = (workers = 1) => {
    const model = new nn.Linear(1, 1, { bias: false }).init(1);
    model.weight.storage.data.fill(0);
    const loss = (output: Tensor, target: Tensor) => output.add(target.mul(0)).mean();
    const optimizer = optim.sgd({ lr: 2e-38, accumulate: 2 });
    return new Trainer(model, { loss, optimizer, workers, shards: 1 });
  };
  const samplesOf = (gradients: readonly number[]) =>
    data.fromArrays(
      gradients.map((x) => [x]),
      gradients.map(() => [0]),
    );
  const options = { batchSize: 1, shuffle: false } as const;

  it.each([
    [3e38, 0.8e38],
    [0.8e38, 3e38],
    [3e38, 3e38],
  ])('of %f and %f are judged by their sum', async (first, second) => {
    for (const workers of [1, 2]) {
      const error = await failure(collect(trainerOf(workers).fit(samplesOf([first, second]), options)));
      expect(error.message).toMatch(/the gradient must stay finite, but was not at epoch 1, step 1,/);
      // The first of them is in the sum when the second call begins.
      const trainer = trainerOf(workers);
      await collect(trainer.fit(samplesOf([first]), options));
      const [epoch] = await collect(trainer.fit(samplesOf([second]), { ...options, nonFinite: 'skip' }));
      expect(epoch?.skippedSteps).toBe(1);
      expect(trainer.model.parameters()[0]?.storage.data[0]).toBeCloseTo(-first * 2e-38, 5);
    }
  });

  it('are judged by their sum with buffers, which are not accumulated', async () => {
    const model = new nn.Sequential(new nn.BatchNorm1d(1), new nn.Linear(1, 1, { bias: false })).init(1);
    const loss = (output: Tensor, target: Tensor) => output.mul(target).mean();
    const optimizer = optim.sgd({ lr: 2e-38, accumulate: 2 });
    const trainer = new Trainer(model, { loss, optimizer, workers: 1, shards: 1 });
    const set = data.fromArrays([[1], [2], [1], [2]], [[-2e38], [2e38], [-1e38], [1e38]]);
    const [epoch] = await collect(trainer.fit(set, { batchSize: 2, shuffle: false }));
    expect(epoch?.skippedSteps).toBe(0);
    expect(trainer.steps).toBe(2);
  });
});

describe('a value that no update changes', () => {
  const set = data.fromArrays(noise(24, 1), noise(8, 2), {
    inputs: { shape: [3] },
    targets: { shape: [1] },
  });
  const trainerOf = (model: nn.Module) =>
    new Trainer(model, { loss: nn.mseLoss, optimizer: optim.sgd({ lr: 0.1 }), workers: 1 });
  const modelOf = () => ({ fc: new nn.Linear(3, 4), norm: new nn.BatchNorm1d(4), out: new nn.Linear(4, 1) });

  it.each(['skip', 'stop'] as const)('is named before the first step, with %s', async (nonFinite) => {
    for (const [broken, name] of [
      [Number.NaN, '0.weight'],
      [Number.POSITIVE_INFINITY, '0.weight'],
      [Number.NaN, '1.running_mean'],
    ] as const) {
      const { fc, norm, out } = modelOf();
      const trainer = trainerOf(new nn.Sequential(fc, norm, out));
      fc.freeze();
      const found = name === '0.weight' ? fc.weight : norm.namedBuffers()[0]?.[1];
      found?.storage.data.fill(broken, 0, 1);
      await expect(collect(trainer.fit(set, { nonFinite }))).rejects.toThrow(
        `fit: ${name} must be finite, but some of its `,
      );
      expect(trainer.steps).toBe(0);
    }
  });
});

it('a profile ends at a gradient that is not finite', async () => {
  const model = new nn.Linear(1, 1, { bias: false });
  const loss = (output: Tensor, target: Tensor) => output.sub(target).square().mean(1).sqrt().mean();
  const trainer = new Trainer(model, { loss, optimizer: optim.sgd({ lr: 1 }), workers: 1 });
  const set = data.fromArrays([[0], [0]], [[0], [0]]);
  await expect(trainer.profile(set, { steps: 2, batchSize: 1 })).rejects.toThrow(
    'the gradient must stay finite, but was not at epoch 1, step 0',
  );
});
