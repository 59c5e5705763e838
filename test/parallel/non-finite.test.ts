import { dataParallel, grad, nn, optim, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { failure } from '../helpers/graphs.js';
import { hashOf } from '../helpers/runs.js';
import { noise } from '../helpers/training.js';

const ROWS = 8;

/** The distance between output and target, whose gradient is NaN where both are equal. */
const distance = (output: Tensor, target: Tensor) => output.sub(target).square().mean(1).sqrt().mean();

const batchOf = (bad: boolean): [Tensor, Tensor] => {
  const [inputs, targets] = [noise(ROWS * 3, 5), noise(ROWS, 9).map((x) => x + 3)];
  // The sixth row is fitted exactly.
  if (bad) {
    inputs.fill(0, 15, 18);
    targets[5] = 0;
  }
  return [tensor(inputs, { shape: [ROWS, 3] }), tensor(targets, { shape: [ROWS, 1] })];
};

function made(workers: number, nonFinite?: 'stop' | 'skip', optimizer = optim.adam({ lr: 0.1 })) {
  const model = new nn.Linear(3, 1, { bias: false }).init(1);
  const step = dataParallel(
    (x, y) => {
      const loss = distance(model.forward(x), y);
      const parameters = model.parameters();
      optimizer.step(parameters, grad(loss, parameters));
      return loss;
    },
    { workers, shards: 4, ...(nonFinite ? { nonFinite } : {}) },
  );
  return { model, optimizer, step };
}

describe('a call of a data-parallel function whose gradients are not finite', () => {
  it.each([1, 2, 3])('rejects with the op and changes nothing, on %i workers', async (workers) => {
    const { model, optimizer, step } = made(workers);
    await step(...batchOf(false));
    const before = hashOf(model);
    const error = await failure(step(...batchOf(true)));
    expect(error).toMatchObject({ code: 'ERR_CHAINRULE_NON_FINITE' });
    expect(error.message).toMatch(
      /^dataParallel: the loss, its gradients .* nothing was changed\. div in \(function\) made .* in the backward pass, for the gradient of sqrt: 1 of its 2 values/,
    );
    expect(hashOf(model)).toBe(before);
    expect(optimizer.steps).toBe(1);
    await step(...batchOf(false));
    const good = made(1);
    for (let i = 0; i < 2; i++) await good.step(...batchOf(false));
    expect(hashOf(model)).toBe(hashOf(good.model));
    await Promise.all([step.close(), good.step.close()]);
  });

  it.each([
    ['every step', () => optim.adam({ lr: 0.1 })],
    ['accumulation', () => optim.adam({ lr: 0.1, accumulate: 2, clipNorm: 0.1 })],
  ])("is left out with 'skip', with updates at %s", async (_, optimizer) => {
    const skipping = made(2, 'skip', optimizer());
    for (const bad of [true, false, true, true, false, false, true, false])
      await skipping.step(...batchOf(bad));
    const good = made(2, 'stop', optimizer());
    for (let i = 0; i < 4; i++) await good.step(...batchOf(false));
    expect(hashOf(skipping.model)).toBe(hashOf(good.model));
    expect(skipping.optimizer.steps).toBe(4);
    await Promise.all([skipping.step.close(), good.step.close()]);
  });

  it('is judged anew where the next call takes its place', async () => {
    const { weight } = new nn.Linear(1, 1, { bias: false }).init(1);
    weight.storage.data.fill(0);
    const optimizer = optim.sgd({ lr: 2e-38 });
    const step = dataParallel(
      (x) => {
        const loss = x.matmul(weight).mean().mul(2);
        optimizer.step([weight], grad(loss, [weight]));
        return loss;
      },
      { workers: 2, shards: 2, nonFinite: 'skip' },
    );
    // The shards' gradients are 3e38 each; their sum overflows, or is 0, or is 3e38.
    for (const [other, expected] of [
      [3e38, 0],
      [-3e38, 0],
      [0, -6],
    ] as const) {
      await step([[3e38], [other]]);
      expect(weight.storage.data[0]).toBeCloseTo(expected, 2);
    }
    expect(optimizer.steps).toBe(2);
    await step.close();
  });

  it('is no matter where nothing is updated', async () => {
    const step = dataParallel((x, y) => distance(x, y), { workers: 1 });
    const [x, y] = batchOf(true);
    expect(await (await step(x.mul(Number.POSITIVE_INFINITY), y)).item()).toBe(Number.NaN);
    await step.close();
  });

  it('names nonFinite among its options', () => {
    expect(() => dataParallel((x) => x, { nonFinite: 'ignore' as 'stop' })).toThrow(
      "dataParallel: nonFinite must be 'stop' or 'skip', got ",
    );
  });
});
