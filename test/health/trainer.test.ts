import { data, inspect, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { failure } from '../helpers/graphs.js';
import { collect, type Dataset, mlp, parametersOf, points, stepLosses } from '../helpers/training.js';

const samples = points(48);
const asTensors = ({ inputs, targets, length }: Dataset) => ({
  x: tensor(inputs.data as Float32Array, { shape: [length, ...inputs.shape] }),
  y: tensor(targets.data as Int32Array),
});
const norm = (values: Iterable<number>) => Math.sqrt([...values].reduce((sum, v) => sum + v * v, 0));

describe('a trainer', () => {
  it('inspects its model as the bare function does, and changes nothing', async () => {
    const model = mlp();
    const trainer = new Trainer(model, {
      loss: nn.crossEntropy,
      optimizer: optim.sgd({ lr: 0.1 }),
      workers: 2,
      shards: 2,
    });
    const before = parametersOf(model);
    const report = await trainer.inspect(samples, { batchSize: 20 });
    const { x, y } = asTensors(samples.take(20));
    expect(report).toEqual(await inspect(model, nn.crossEntropy, x, y, { lr: 0.1 }));
    expect(parametersOf(model)).toEqual(before);
    expect(trainer.steps).toBe(0);
  });

  it('tells the updates that the next step makes, from the state of its optimiser', async () => {
    const model = mlp();
    const optimizer = optim.adamW({
      lr: (step) => 0.01 / (1 + step),
      weightDecay: 0.1,
      clipNorm: 0.05,
      groups: [{ match: /bias/, lr: 0.1 }],
    });
    const trainer = new Trainer(model, { loss: nn.crossEntropy, optimizer, workers: 1 });
    const options = { batchSize: samples.length, shuffle: false };
    await collect(trainer.fit(samples, { ...options, epochs: 3 }));
    const before = model.parameters().map(({ storage }) => storage.data.slice());
    const report = await trainer.inspect(samples, options);
    await collect(trainer.fit(samples, options));
    for (const [i, { storage }] of model.parameters().entries()) {
      const old = before[i] as Float32Array;
      const change = norm(Array.from(storage.data, (v, at) => v - (old[at] as number)));
      expect((report.parameters[i]?.updateRatio ?? 0) / (change / norm(old))).toBeCloseTo(1, 3);
    }
  });

  it('adds reports to the results of fit, and trains as without', async () => {
    const train = async (health: boolean | { vanishing: number }) => {
      const trainer = new Trainer(mlp(), {
        loss: nn.crossEntropy,
        optimizer: optim.adam(),
        workers: 2,
        shards: 2,
        seed: 3,
      });
      return collect(trainer.fit(samples, { epochs: 2, batchSize: 16, health, validation: samples.take(8) }));
    };
    const [plain, watched, strict] = [await train(false), await train(true), await train({ vanishing: 2 })];
    expect(stepLosses(watched)).toEqual(stepLosses(plain));
    expect(plain.map((epoch) => 'health' in epoch)).toEqual([false, false]);
    expect(watched.map(({ health }) => health?.layers.map(({ path }) => path))).toEqual([
      ['0', '1', '2'],
      ['0', '1', '2'],
    ]);
    expect(watched[0]?.health?.loss).not.toBe(watched[1]?.health?.loss);
    expect(watched.map(({ health }) => health?.findings)).toEqual([[], []]);
    expect(strict[0]?.health?.findings.map(({ kind }) => kind)).toEqual(['vanishing']);
  });

  it('inspects between epochs', async () => {
    const trainer = new Trainer(mlp(), { loss: nn.crossEntropy, optimizer: optim.adam(), workers: 1 });
    const losses: number[] = [];
    for await (const epoch of trainer.fit(samples, { epochs: 2, health: true })) {
      losses.push((await trainer.inspect(samples)).loss - (epoch.health?.loss ?? 0));
    }
    expect(losses).toEqual([0, 0]);
    await expect(trainer.inspect([] as never)).rejects.toThrow('inspect: data must be a Dataset');
    await expect(trainer.inspect(samples, { thresholds: { dead: -1 } })).rejects.toThrow(
      'inspect: thresholds.dead must be a non-negative number, got -1',
    );
  });

  it('looks for it in the batch of the step that failed', async () => {
    const inputs = new Float32Array(40 * 6).fill(0.5);
    inputs[23 * 6] = Number.NaN;
    const set = data.fromArrays(inputs, new Int32Array(40), { inputs: { shape: [6] } });
    const trainer = new Trainer(mlp(), { loss: nn.crossEntropy, optimizer: optim.adam(), workers: 1 });
    const error = await failure(collect(trainer.fit(set, { batchSize: 4 })));
    expect(error.message).toContain('. the input must be finite, but 1 of its 24 values are not');
  });

  it('names the op that made the first value that is not finite when it stops', async () => {
    class Overflowing extends nn.Module {
      inner = new nn.Linear(6, 3);
      forward(x: Tensor): Tensor {
        return this.inner.forward(x).mul(this.inner.forward(x).exp());
      }
    }
    const optimizer = optim.sgd({ lr: (step) => (step < 4 ? 1e-3 : 1e6) });
    const trainer = new Trainer(new Overflowing(), { loss: nn.mseLoss, optimizer, workers: 2, shards: 2 });
    const set = data.fromArrays(new Float32Array(60).fill(1), new Float32Array(30).fill(2), {
      inputs: { shape: [6] },
      targets: { shape: [3] },
    });
    const error = await failure(collect(trainer.fit(set, { batchSize: 2, epochs: 3 })));
    expect(error.message).toMatch(
      /^fit: the loss must stay finite, but was (Infinity|NaN) at epoch 2, step 0;.* (exp|mul|square) in (\(model\)|\(loss\)) made the first value that is not finite, in the forward pass: \d+ of its 6 values \(float32\[2,3\]\)$/,
    );
  });
});
