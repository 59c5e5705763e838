import { compile, grad, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { decode, type Recorded } from '../helpers/fixtures.js';
import { optimizers, Problem, recorded } from '../helpers/optimizers.js';
import { report } from '../helpers/report.js';

const { torch, steps, runs } = recorded;

/** Both parameters, or their averages, after each step of a hand-written loop. */
async function pathOf(name: string, dtype: 'float32' | 'float64'): Promise<number[]> {
  const optimizer = (optimizers[name] as (typeof optimizers)[string])();
  const problem = new Problem(dtype);
  const parameters = problem.parameters();
  const step = compile((scale: Tensor) => {
    const loss = problem.forward(scale);
    optimizer.step(parameters, grad(loss, parameters));
    return loss;
  });
  const { accumulate = 1, average } = optimizer.stages;
  const path: number[] = [];
  const note = () => {
    path.push(...parameters.flatMap(({ storage }) => [...storage.data]));
  };
  for (let i = 0; i < steps; i++) {
    const scale = accumulate > 1 ? 1 + 0.5 * (i % 4) : 1;
    const loss = await step(tensor(Float64Array.of(scale), { shape: [] }).to(dtype));
    optimizer.report(await loss.item());
    if (average === undefined) note();
    else await optimizer.withAverages(note);
  }
  step.release();
  expect(optimizer.steps).toBe(steps);
  return path;
}

describe(`optimisers over ${steps} steps against PyTorch ${torch}`, () => {
  it('compares every recorded run', () => {
    expect(Object.keys(optimizers).sort()).toEqual(Object.keys(runs).sort());
    expect(steps).toBe(50);
  });

  it.each(Object.entries(runs))('%s follows the recorded path in float64', async (name, path) => {
    expectClose(name, await pathOf(name, 'float64'), decode(path as Recorded), { relative: 1e-10 });
  });

  it.each(Object.entries(runs))('%s follows the recorded path in float32', async (name, path) => {
    const error = expectClose(name, await pathOf(name, 'float32'), decode(path as Recorded), {
      relative: 1e-5,
    });
    report(name, 'torchValue', error);
  });
});
