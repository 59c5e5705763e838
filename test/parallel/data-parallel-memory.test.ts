import { describe, expect, it } from 'vitest';
import { grad } from '#lib/autodiff/grad.js';
import type { Tensor } from '#lib/graph/tensor.js';
import { dataParallel, nn, optim, tensor } from '#lib/index.js';

const ramp = (rows: number) =>
  tensor(
    Float32Array.from({ length: 4 * rows }, (_, i) => Math.sin(i)),
    { shape: [rows, 4] },
  );

const network = () => new nn.Sequential(new nn.Linear(4, 16), new nn.Tanh(), new nn.Linear(16, 2)).init(1);

const predictor = (options: { planCache?: number } = {}) => {
  const traced = { times: 0 };
  const model = network();
  const predict = dataParallel(
    (x: Tensor) => {
      traced.times++;
      return model.forward(x);
    },
    { workers: 2, shards: 2, ...options },
  );
  return { predict, traced };
};

describe('the plans of a data-parallel function', () => {
  it('take no more than their limit, and come back with the same bits', async () => {
    const { predict, traced } = predictor({ planCache: 300_000 });
    const first = await (await predict(ramp(2))).data();
    for (let rows = 4; rows <= 120; rows += 2) {
      await predict(ramp(rows));
      expect(predict.heldBytes).toBeLessThan(350_000);
    }
    expect(traced.times).toBe(60);
    await predict(ramp(120));
    expect(traced.times).toBe(60);
    expect(await (await predict(ramp(2))).data()).toEqual(first);
    expect(traced.times).toBe(61);
    await predict.close();
  });

  it('are given back by release, here and in the threads, and made again', async () => {
    const { predict, traced } = predictor();
    const first = await (await predict(ramp(6))).data();
    expect(predict.heldBytes).toBeGreaterThan(0);
    const calls = [predict(ramp(6)), predict.release(), predict(ramp(6)), predict(ramp(8))] as const;
    const [before, , after] = await Promise.all(calls);
    expect([await before.data(), await after.data()]).toEqual([first, first]);
    expect(traced.times).toBe(3);
    await predict.release();
    await predict.release();
    expect(predict.heldBytes).toBe(0);
    await predict.close();
    await predict.release();
    expect(await (await predict(ramp(6))).data()).toEqual(first);
    await predict.close();
  });

  it('may be freed between steps whose gradients are accumulated, without another result', async () => {
    const train = async (planCache: number, between: (step: { release(): Promise<void> }) => unknown) => {
      const model = network();
      const optimizer = optim.adam({ lr: 0.01, accumulate: 2, average: 0.9 });
      const step = dataParallel(
        (x: Tensor) => {
          const loss = model.forward(x).square().mean();
          optimizer.step(model.parameters(), grad(loss, model.parameters()));
          return loss;
        },
        { workers: 2, shards: 2, planCache },
      );
      for (const rows of [8, 6, 4, 8, 7, 8, 2]) {
        await step(ramp(rows));
        await between(step);
      }
      await step.close();
      return Promise.all(model.parameters().map((parameter) => parameter.data()));
    };
    const expected = await train(1e9, () => {});
    expect(await train(1, () => {})).toEqual(expected);
    expect(await train(1e9, (step) => step.release())).toEqual(expected);
  });
});
