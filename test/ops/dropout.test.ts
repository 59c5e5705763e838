import { compile, data, grad, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { hashUniform } from '../helpers/random-graph/random.js';
import { report } from '../helpers/report.js';

describe('Dropout', () => {
  const ones = tensor(new Float32Array(40_000).fill(1), { shape: [400, 100] });
  const drop = async (p: number, seed: number, runs = 1): Promise<number[]> => {
    const layer = new nn.Dropout(p);
    const run = compile((x: Tensor) => layer.forward(x), { seed });
    let result: number[] = [];
    for (let i = 0; i < runs; i++) result = [...(await (await run(ones)).data())];
    run.release();
    return result;
  };

  it.each([0.1, 0.5, 0.9])('with p = %d keeps its share, scaled, and zeroes the rest', async (p) => {
    const values = await drop(p, 1);
    const kept = values.filter((value) => value !== 0);
    expectClose('scale', kept, new Array<number>(kept.length).fill(1 / (1 - p)), { relative: 1e-6 });
    const error = Math.abs(kept.length / values.length - (1 - p));
    expect(error).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / values.length));
    report('dropout', 'moments');
  });

  it('draws the same mask for the same seed and step, and another for any other', async () => {
    const mask = await drop(0.5, 1);
    expect(await drop(0.5, 1)).toEqual(mask);
    expect(await drop(0.5, 2)).not.toEqual(mask);
    expect(await drop(0.5, 1, 2)).not.toEqual(mask);
  });

  it('draws a mask of its own for each layer', async () => {
    const [a, b] = [new nn.Dropout(0.5), new nn.Dropout(0.5)];
    const run = compile((x: Tensor) => [a.forward(x), b.forward(x)]);
    const [first, second] = await Promise.all((await run(ones)).map((x) => x.data()));
    run.release();
    expect(first).not.toEqual(second);
  });

  it('uses one mask for the value and for the gradient', async () => {
    const layer = new nn.Dropout(0.3);
    const run = compile((x: Tensor) => {
      const output = layer.forward(x);
      return [output, ...grad(output.sum(), [x])];
    });
    const [output, slope] = await Promise.all((await run(ones)).map((x) => x.data()));
    run.release();
    expect(slope).toEqual(output);
    report('dropout', 'gradient');
  });

  it('is the identity in eval mode and for p = 0', async () => {
    expect(new nn.Dropout(0.5).eval().forward(ones)).toBe(ones);
    expect(new nn.Dropout(0).forward(ones)).toBe(ones);
  });

  it.each([
    ['64 rows a step', 64],
    ['steps that split unevenly', 27],
  ])('masks do not depend on how rows are split among workers: %s', async (_, batchSize) => {
    const steps = 50;
    const inputs = Float32Array.from(hashUniform(steps * batchSize * 12, 1, -1, 1));
    const labels = Int32Array.from(hashUniform(steps * batchSize, 2), (value) => Math.floor(value * 4));
    const train = data.fromArrays(inputs, labels, { inputs: { shape: [12] } });
    const run = async (workers: number) => {
      const model = new nn.Sequential(
        new nn.Linear(12, 33),
        new nn.ReLU(),
        new nn.Dropout(0.5),
        new nn.Linear(33, 4),
      );
      const trainer = new Trainer(model, {
        loss: nn.crossEntropy,
        optimizer: optim.sgd({ lr: 0.1, momentum: 0.9 }),
        workers,
        shards: workers,
        seed: 7,
      });
      const found: number[] = [];
      for await (const { stepLosses } of trainer.fit(train, { batchSize })) found.push(...stepLosses);
      return found;
    };
    const alone = await run(1);
    expect(alone.length).toBe(steps);
    expect(new Set(alone).size).toBe(steps);
    expectClose('losses of two workers', await run(2), alone, { relative: 1e-5, floor: 1e-9 });
    expectClose('losses of three workers', await run(3), alone, { relative: 1e-5, floor: 1e-9 });
  });
});
