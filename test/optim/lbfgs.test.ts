import { nn, optim, sum, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { decode } from '../helpers/fixtures.js';
import { variable } from '../helpers/graphs.js';
import { type RecordedLbfgs, recorded } from '../helpers/optimizers.js';
import { hashUniform } from '../helpers/random-graph/random.js';
import { report } from '../helpers/report.js';

const options: Readonly<Record<string, optim.LbfgsOptions>> = {
  lbfgs: {},
  'lbfgs options': { lr: 0.3, maxIterations: 4, historySize: 2 },
  'lbfgs strongWolfe': { lineSearch: 'strongWolfe', maxIterations: 5 },
  'lbfgs strongWolfe options': {
    lineSearch: 'strongWolfe',
    lr: 0.5,
    maxIterations: 6,
    maxEvaluations: 9,
    historySize: 3,
  },
  'lbfgs strongWolfe short': { lineSearch: 'strongWolfe', lr: 0.002, maxIterations: 8, maxEvaluations: 40 },
  'lbfgs tolerances': {
    lineSearch: 'strongWolfe',
    maxIterations: 50,
    toleranceGradient: 1e-3,
    toleranceChange: 1e-5,
  },
};

/** The curved valley of scripts/fixtures/optimizers.py. */
function valley(dtype: 'float32' | 'float64') {
  const x = variable([4], [-1.2, 1, 0.5, -0.7], dtype);
  const loss = () => {
    const [here, next] = [x.slice([[0, 3]]), x.slice([[1, 4]])];
    return sum(next.sub(here.square()).square().mul(5).add(here.mul(-1).add(1).square()));
  };
  return { x, loss };
}

describe(`L-BFGS against PyTorch ${recorded.torch}`, () => {
  it('compares every recorded run', () => {
    expect(Object.keys(options).sort()).toEqual(Object.keys(recorded.lbfgs).sort());
  });

  it.each(Object.entries(recorded.lbfgs))('%s takes the recorded steps', async (name, run: RecordedLbfgs) => {
    const { x, loss } = valley('float64');
    const optimizer = optim.lbfgs(options[name]);
    const [losses, path]: [number[], number[]] = [[], []];
    for (const _ of run.losses) {
      losses.push(await optimizer.step([x], loss));
      path.push(...x.storage.data);
    }
    optimizer.release();
    // A minimum to the last digits is no better than another, and near it the digits of the loss cancel.
    const error = expectClose(name, path, decode(run.path), { relative: 1e-7 });
    expectClose(`${name}: losses`, losses, run.losses, { relative: 1e-9 });
    expect(optimizer.evaluations).toBe(run.evaluations);
    report(name, 'torchValue', error);
  });
});

describe('L-BFGS', () => {
  const net = () => new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1)).init(1);
  const points = Float32Array.from(hashUniform(40, 3, -1, 1));
  const heights = Float32Array.from(
    { length: 20 },
    (_, i) => Math.sin(2 * (points[2 * i] as number)) * (points[2 * i + 1] as number),
  );
  const x = tensor(points, { shape: [20, 2] });
  const y = tensor(heights, { shape: [20, 1] });

  it.each(['strongWolfe', null] as const)('fits a network in float32, line search %s', async (lineSearch) => {
    const model = net();
    const optimizer = optim.lbfgs({ lineSearch, lr: lineSearch ? 1 : 0.5 });
    const loss = () => nn.mseLoss(model.forward(x), y);
    const losses: number[] = [];
    for (let i = 0; i < 12; i++) losses.push(await optimizer.step(model.parameters(), loss));
    expect(losses.at(-1)).toBeLessThan(0.05 * (losses[0] as number));
    expect(optimizer.iterations).toBeGreaterThan(12);
    optimizer.release();
  });

  it('leaves frozen parameters as they are', async () => {
    const model = net();
    const [first, , last] = model.parameters() as [nn.Parameter, nn.Parameter, nn.Parameter];
    first.trainable = false;
    const [before, free] = [first.storage.data.slice(), last.storage.data.slice()];
    await optim.lbfgs().step(model.parameters(), () => nn.mseLoss(model.forward(x), y));
    expect(first.storage.data).toEqual(before);
    expect(last.storage.data).not.toEqual(free);
  });

  it('begins anew with other parameters, and goes on with another loss', async () => {
    const [a, b] = [valley('float64'), valley('float64')];
    const optimizer = optim.lbfgs({ maxIterations: 3 });
    await optimizer.step([a.x], a.loss);
    await optimizer.step([b.x], b.loss);
    expect(b.x.storage.data).toEqual(a.x.storage.data);
    const alone = valley('float64');
    const reference = optim.lbfgs({ maxIterations: 3 });
    await reference.step([alone.x], alone.loss);
    await reference.step([alone.x], alone.loss);
    await optimizer.step([b.x], () => b.loss());
    expect(b.x.storage.data).toEqual(alone.x.storage.data);
  });

  it('stops with an error where the loss is not finite, with the parameters of the step before', async () => {
    const w = variable([1], [4], 'float64');
    const loss = () => w.square().div(w.sub(w).add(w).sub(4).mul(w).add(4e-300).square()).sum();
    await expect(optim.lbfgs().step([w], loss)).rejects.toThrow(/^lbfgs: the loss must stay finite/);
    expect([...w.storage.data]).toEqual([4]);
    const steep = variable([1], [1], 'float64');
    const step = optim.lbfgs({ lr: 1e4 }).step([steep], () => steep.mul(-1).exp().add(steep.exp()).sum());
    await expect(step).rejects.toThrow(/^lbfgs: the loss must stay finite/);
    expect([...steep.storage.data]).toEqual([1]);
  });

  it('stops with an error where a gradient is not finite', async () => {
    const w = variable([1], [0], 'float64');
    // The square root is infinitely steep at 0.
    const step = optim.lbfgs({ maxIterations: 1 }).step([w], () => w.sqrt().mul(w).sum());
    await expect(step).rejects.toThrow('lbfgs: the gradient must stay finite');
    expect([...w.storage.data]).toEqual([0]);
  });

  it.each<[optim.LbfgsOptions, string]>([
    [{ lr: 0 }, 'lbfgs: lr must be a positive number, got 0'],
    [{ maxIterations: 0 }, 'lbfgs: maxIterations must be a positive integer, got 0'],
    [{ maxEvaluations: 0.5 }, 'lbfgs: maxEvaluations must be a positive integer, got 0.5'],
    [{ toleranceGradient: -1 }, 'lbfgs: toleranceGradient must be a non-negative number, got -1'],
    [{ toleranceChange: Number.NaN }, 'lbfgs: toleranceChange must be a non-negative number, got NaN'],
    [{ historySize: 0 }, 'lbfgs: historySize must be a positive integer, got 0'],
    [{ lineSearch: 'wolfe' as 'strongWolfe' }, "lbfgs: lineSearch must be 'strongWolfe' or null, got wolfe"],
  ])('refuses %o', (bad, message) => {
    expect(() => optim.lbfgs(bad)).toThrow(message);
  });

  it('refuses what it cannot minimise', async () => {
    const { x: point } = valley('float64');
    const frozen = net().freeze();
    const step = (parameters: Parameters<optim.LBFGS['step']>[0], loss: Parameters<optim.LBFGS['step']>[1]) =>
      optim.lbfgs().step(parameters, loss);
    await expect(step([point], () => point)).rejects.toThrow('lbfgs: the loss must be a scalar');
    await expect(step([], () => point.sum())).rejects.toThrow('at least one parameter must be trainable');
    await expect(step(frozen.parameters(), () => point.sum())).rejects.toThrow('must be trainable');
    await expect(step([point], point as never)).rejects.toThrow('lbfgs: loss must be a function');
  });
});
