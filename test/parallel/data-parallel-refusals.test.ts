import { data, dataParallel, grad, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { afterEach, describe, expect, it } from 'vitest';
import { collect } from '../helpers/training.js';

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const step of opened.splice(0)) await step.close();
});

class Factor extends nn.Module {
  factor = new nn.Parameter([1], { init: nn.init.ones });
  fixed = new nn.Linear(1, 1, { bias: false });
  forward(x: Tensor): Tensor {
    return this.fixed.forward(x.mul(this.factor));
  }
}

interface Settings {
  readonly nonFinite?: 'stop' | 'skip';
  readonly optimizer?: optim.Optimizer;
  readonly loss?: (output: Tensor, added: Tensor) => Tensor;
  readonly scale?: number;
  readonly shards?: number;
}

function stepOf({
  nonFinite = 'stop',
  optimizer = optim.sgd({ lr: 0.1 }),
  loss = (output, added) => output.mean().add(added.mean()),
  scale,
  shards = 2,
}: Settings = {}) {
  const model = new Factor().init(0);
  model.fixed.freeze().weight.storage.data.fill(1);
  const parameters = [model.factor];
  const step = dataParallel(
    (x: Tensor, added: Tensor) => {
      const value = loss(model.forward(x), added);
      const gradients = grad(value, parameters);
      optimizer.step(parameters, scale === undefined ? gradients : gradients.map((one) => one.mul(scale)));
      return { outputs: model.forward(x) };
    },
    { workers: 1, shards, nonFinite },
  );
  opened.push(step);
  return { model, optimizer, step };
}

const X = tensor([[1], [2], [3], [4]]);
const ZERO = tensor([[0], [0], [0], [0]]);

describe('a data-parallel step', () => {
  it('is refused for a loss that is not finite, also if its gradients are', async () => {
    for (const nonFinite of ['stop', 'skip'] as const) {
      const { model, optimizer, step } = stepOf({ nonFinite });
      const call = step(X, tensor([[0], [Number.NaN], [0], [0]]));
      if (nonFinite === 'stop') await expect(call).rejects.toThrow('argument 1 must be finite');
      else await call;
      expect([model.factor.storage.data[0], optimizer.steps]).toEqual([1, 0]);
      await step(X, ZERO);
      expect(optimizer.steps).toBe(1);
    }
  });

  it.each([
    ['factor', (model: Factor) => model.factor],
    ['fixed.weight', (model: Factor) => model.fixed.weight],
  ])('names a parameter that is not finite: %s', async (name, find) => {
    for (const nonFinite of ['stop', 'skip'] as const) {
      const { model, step } = stepOf({ nonFinite });
      await step(X, ZERO);
      find(model).storage.data[0] = Number.NaN;
      await expect(step(X, ZERO)).rejects.toMatchObject({
        code: 'ERR_CHAINRULE_NON_FINITE',
        message: expect.stringContaining(`dataParallel: ${name} must be finite`),
      });
    }
  });

  it('names a parameter that an update has made infinite at the next call', async () => {
    const { step } = stepOf({ nonFinite: 'skip', optimizer: optim.sgd({ lr: 3e38 }) });
    await step(X, ZERO);
    await expect(step(X, ZERO)).rejects.toThrow(' must be finite, but is not: an update before this call');
  });

  it.each([
    [3e38, 0.8e38],
    [0.8e38, 3e38],
  ])('judges gradients of %f and %f that are accumulated by their sum', async (first, second) => {
    const optimizer = optim.sgd({ lr: 2e-38, accumulate: 2 });
    const { model, step } = stepOf({ nonFinite: 'skip', shards: 1, optimizer });
    const all = (value: number) => tensor([[value]]);
    const calls = [first, second, second, 1];
    for (const value of calls) await step(all(value), all(-value));
    expect(model.factor.storage.data[0]).toBeCloseTo(1 - (first + 1) * 1e-38, 5);
    expect(optimizer.steps).toBe(2);
  });

  it('refuses gradients and results that are computed from sums over rows', async () => {
    const total = (output: Tensor) => nn.mseLoss(output, output.mul(0), { reduction: 'sum' });
    await expect(stepOf({ loss: total, scale: 0.5 }).step(X, ZERO)).rejects.toThrow(
      "dataParallel: gradients that are computed from those of a sum over rows (reduction: 'sum')",
    );
    const halved = (output: Tensor) => total(output).mul(0.5);
    await expect(stepOf({ loss: halved }).step(X, ZERO)).rejects.toThrow('dataParallel: gradients that');
    await stepOf({ loss: total }).step(X, ZERO);
    const result = dataParallel((x: Tensor) => total(x).mul(0.5), { workers: 1 });
    opened.push(result);
    await expect(result(X)).rejects.toThrow('dataParallel: a scalar result is computed from a sum over rows');
  });
});

it('a Trainer refuses losses and metrics that are computed from sums over rows, but takes sums of means', async () => {
  const set = data.fromArrays([[1], [2], [3]], [[1], [1], [1]]);
  const total = nn.mseLoss.with({ reduction: 'sum' });
  const options = { optimizer: optim.sgd({ lr: 0.01 }), workers: 1, shards: 2 };
  const trainerOf = (loss: (output: Tensor, target: Tensor) => Tensor | { sum: Tensor }) =>
    new Trainer(new nn.Linear(1, 1), { ...options, loss });
  for (const loss of [
    (x: Tensor, y: Tensor) => total(x, y).mul(0.5),
    (x: Tensor, y: Tensor) => total(x, y).add(nn.maeLoss(x, y)),
  ]) {
    await expect(collect(trainerOf(loss).fit(set))).rejects.toThrow(
      "Trainer: the loss is computed from a sum over rows (reduction: 'sum'), but a scalar counts as the mean of its rows; return { sum, weight }, or { sum } for a total",
    );
  }
  await collect(trainerOf((x, y) => ({ sum: total(x, y).mul(0.5) })).fit(set));
  await collect(trainerOf((x, y) => nn.mseLoss(x, y).add(nn.maeLoss(x, y))).fit(set));
  const metrics = { half: (x: Tensor, y: Tensor) => total(x, y).mul(0.5) };
  const trainer = new Trainer(new nn.Linear(1, 1), { ...options, loss: nn.mseLoss, metrics });
  await expect(trainer.evaluate(set)).rejects.toThrow('half is computed from a sum over rows');
});
