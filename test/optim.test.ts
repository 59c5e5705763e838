import { compile, data, grad, nn, optim, sin, sum, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from './helpers/close.js';
import { decode, type Recorded, readFixture } from './helpers/fixtures.js';
import { hashUniform } from './helpers/random.js';

interface Run {
  readonly path: Recorded;
  readonly rates: readonly number[];
}

const { torch, steps, runs } = readFixture<{ torch: string; steps: number; runs: Record<string, Run> }>(
  'optimizers',
);

const optimizers: Record<string, () => optim.Optimizer> = {
  sgd: () => optim.sgd({ lr: 0.05 }),
  'sgd momentum': () => optim.sgd({ lr: 0.05, momentum: 0.9 }),
  'sgd nesterov': () => optim.sgd({ lr: 0.05, momentum: 0.8, nesterov: true }),
  'sgd weight decay': () => optim.sgd({ lr: 0.05, weightDecay: 0.1 }),
  'sgd all': () => optim.sgd({ lr: 0.02, momentum: 0.9, nesterov: true, weightDecay: 0.05 }),
  adam: () => optim.adam({ lr: 0.1 }),
  'adam options': () => optim.adam({ lr: 0.05, betas: [0.8, 0.99], eps: 1e-3, weightDecay: 0.1 }),
  adamW: () => optim.adamW({ lr: 0.1 }),
  'adamW options': () => optim.adamW({ lr: 0.05, betas: [0.7, 0.95], eps: 1e-4, weightDecay: 0.3 }),
  'sgd stepLR': () => optim.sgd({ lr: optim.stepLR({ lr: 0.05, stepSize: 7, gamma: 0.3 }), momentum: 0.9 }),
  'adam stepLR': () => optim.adam({ lr: optim.stepLR({ lr: 0.1, stepSize: 10 }) }),
  'adamW cosineLR': () => optim.adamW({ lr: optim.cosineLR({ lr: 0.1, steps, min: 0.004 }) }),
  'sgd cosineLR': () => optim.sgd({ lr: optim.cosineLR({ lr: 0.05, steps }) }),
};

const SIZE = 6;
const doubles = (seed: number, low: number, high: number) =>
  Float64Array.from(hashUniform(SIZE, seed, low, high));

/** The problem of scripts/fixtures/optimizers.py. */
function problem(dtype: 'float32' | 'float64') {
  const parameter = new nn.Parameter([SIZE], { init: nn.init.zeros, dtype });
  parameter.storage.data.set(doubles(1, -2, 2));
  const target = tensor(doubles(2, -2, 2)).to(dtype);
  const curvature = tensor(doubles(3, 0.2, 3)).to(dtype);
  const loss = () =>
    sum(
      curvature
        .mul(parameter.sub(target).square())
        .div(2)
        .add(sin(parameter.mul(3))),
    );
  return { parameter, loss };
}

describe(`optimisers against PyTorch ${torch}`, () => {
  it('compares every recorded run, each of 20 steps or more', () => {
    expect(Object.keys(optimizers).sort()).toEqual(Object.keys(runs).sort());
    expect(steps).toBeGreaterThanOrEqual(20);
  });

  const cases = Object.entries(runs).flatMap(([name, run]) => [
    { name, run, dtype: 'float64' as const, relative: 1e-10 },
    { name, run, dtype: 'float32' as const, relative: 1e-4 },
  ]);
  it.each(cases)('$name follows the recorded path in $dtype', async ({ name, run, dtype, relative }) => {
    const optimizer = (optimizers[name] as () => optim.Optimizer)();
    const { parameter, loss } = problem(dtype);
    const step = compile(() => {
      const value = loss();
      optimizer.step([parameter], grad(value, [parameter]));
      return value;
    });
    const path: number[] = [];
    for (let i = 0; i < steps; i++) {
      await step();
      path.push(...parameter.storage.data);
    }
    step.release();
    expect(optimizer.steps).toBe(steps);
    expectClose(name, path, decode(run.path), { relative });
  });

  it.each(Object.entries(runs))('%s has the recorded learning rates', (name, { rates }) => {
    const { schedule } = (optimizers[name] as () => optim.Optimizer)();
    expectClose(
      name,
      rates.map((_, step) => schedule(step)),
      rates,
      { relative: 1e-12, floor: 1e-9 },
    );
  });

  it('updates several parameters, each with a state of its own', async () => {
    const [a, b] = [problem('float64'), problem('float64')];
    b.parameter.storage.data.fill(0.5);
    const optimizer = optim.adam({ lr: 0.1 });
    const both = [a.parameter, b.parameter];
    const step = compile(() => {
      const value = a.loss().add(b.loss());
      optimizer.step(both, grad(value, both));
      return value;
    });
    for (let i = 0; i < steps; i++) await step();
    step.release();
    const last = decode((runs.adam as Run).path).slice(-SIZE);
    expectClose('the first one', a.parameter.storage.data, last, { relative: 1e-10 });
    expect([...b.parameter.storage.data]).not.toEqual([...a.parameter.storage.data]);
  });

  it.each([1, 2])('follows the same path in a Trainer with %i workers', async (workers) => {
    const samples = hashUniform(60 * 3, 5, -1, 1);
    const train = data.fromArrays(Float64Array.from(samples), Float64Array.from(samples.slice(0, 60)), {
      inputs: { shape: [3] },
      targets: { shape: [1] },
    });
    for (const [name, create] of Object.entries(optimizers)) {
      const model = () => new nn.Linear(3, 1, { dtype: 'float64' }).init(3);
      const [trained, looped] = [model(), model()];
      const trainer = new Trainer(trained, { loss: nn.mseLoss, optimizer: create(), workers });
      for await (const _ of trainer.fit(train, { epochs: 5, batchSize: 12, shuffle: false }));
      const optimizer = create();
      const parameters = looped.parameters();
      const step = compile((x: Tensor, y: Tensor) => {
        const loss = nn.mseLoss(looped.forward(x), y);
        optimizer.step(parameters, grad(loss, parameters));
        return loss;
      });
      for (let epoch = 0; epoch < 5; epoch++) {
        for (const { inputs, targets } of data.batches(train, { batchSize: 12 })) {
          await step(tensor(inputs.data, inputs), tensor(targets.data, targets));
        }
      }
      step.release();
      expectClose(`${name}: weight`, trained.weight.storage.data, looped.weight.storage.data, {
        relative: 1e-9,
      });
    }
  });
});

describe('schedules', () => {
  it('step down by gamma after every stepSize steps', () => {
    const schedule = optim.stepLR({ lr: 1, stepSize: 2 });
    expectClose('stepLR', [0, 1, 2, 3, 4].map(schedule), [1, 1, 0.1, 0.1, 0.01], { relative: 1e-12 });
  });

  it('fall along half a cosine and stay at the end', () => {
    const schedule = optim.cosineLR({ lr: 1, steps: 4, min: 0.2 });
    expectClose('cosineLR', [0, 2, 4, 5, 100].map(schedule), [1, 0.6, 0.2, 0.2, 0.2], { relative: 1e-12 });
  });

  it('are constant by default, and may be any function of the step', () => {
    expect(optim.constantLR(0.3)(1000)).toBe(0.3);
    expect(optim.sgd({ lr: 0.3 }).schedule(9)).toBe(0.3);
    expect(optim.adam().schedule(9)).toBe(1e-3);
    expect(optim.sgd({ lr: (step) => 1 / (step + 1) }).scalarsAt(3)).toEqual([0.25]);
  });
});
