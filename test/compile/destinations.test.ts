import { assign, compile, concat, grad, nn, type Tensor, tensor, type Variable } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { input } from '#lib/graph/leaf.js';
import { traced } from '#lib/graph/trace.js';
import { kernelsOf, planOf, valuesOf, variable } from '../helpers/graphs.js';

/** Traces a function of no arguments, compiles it and runs it once. */
async function run<R extends readonly Tensor[]>(fn: () => R): Promise<number[][]> {
  const compiled = compile(fn);
  const results = await compiled();
  compiled.release();
  return Promise.all(results.map(async (result) => Array.from(await result.data())));
}

const updates = (...assignments: [Variable, Tensor][]) =>
  kernelsOf(planOf({ assignments: new Map(assignments) }));

const pair = () => [variable([2, 2], [1, 2, 3, 4]), variable([2, 2], [5, 6, 7, 8])] as [Variable, Variable];

describe('assignments', () => {
  it('swap two variables', async () => {
    const [a, b] = pair();
    const results = await run(() => {
      assign(a, b);
      assign(b, a);
      return [a, b];
    });
    expect([valuesOf(a), valuesOf(b)]).toEqual([
      [5, 6, 7, 8],
      [1, 2, 3, 4],
    ]);
    // The returned value is the one that the function read.
    expect(results).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
  });

  it('go around a ring of three, with arithmetic on the way', async () => {
    const [a, b] = pair();
    const c = variable([2, 2], [9, 10, 11, 12]);
    await run(() => {
      assign(a, b.add(1));
      assign(b, c.add(1));
      assign(c, a.add(1));
      return [];
    });
    expect([a, b, c].map(valuesOf)).toEqual([
      [6, 7, 8, 9],
      [10, 11, 12, 13],
      [2, 3, 4, 5],
    ]);
  });

  it('take a view of the variable itself: its transpose, a part, itself upside down', async () => {
    const [a, b] = pair();
    const c = variable([4], [1, 2, 3, 4]);
    await run(() => {
      assign(a, a.transpose());
      assign(b, b.transpose().add(b));
      assign(c, concat([c.slice([[2, 4]]), c.slice([[0, 2]])]));
      return [];
    });
    expect([a, b, c].map(valuesOf)).toEqual([
      [1, 3, 2, 4],
      [10, 13, 13, 16],
      [3, 4, 1, 2],
    ]);
  });

  it('take a reduction or a product of the variable itself', async () => {
    const [a, b] = pair();
    await run(() => {
      assign(a, a.sum(0, { keepDims: true }).expand([2, 2]));
      assign(b, b.matmul(b));
      return [];
    });
    expect([a, b].map(valuesOf)).toEqual([
      [4, 6, 4, 6],
      [67, 78, 91, 106],
    ]);
  });

  it('let every reader of the variable see the value from before, wherever it stands', async () => {
    const [a, b] = pair();
    const results = await run(() => {
      const next = a.mul(10);
      assign(a, next);
      const late = a.transpose().matmul(b);
      return [late, a.reshape([4]), a.slice([[1, 2]]), next.sum(), a.sum()];
    });
    expect(results).toEqual([[26, 30, 38, 44], [1, 2, 3, 4], [3, 4], [100], [10]]);
    expect(valuesOf(a)).toEqual([10, 20, 30, 40]);
  });

  it('give one value to several variables and outputs', async () => {
    const [a, b] = pair();
    const results = await run(() => {
      const next = a.add(b);
      assign(a, next);
      assign(b, next);
      return [next, next.transpose(), next];
    });
    expect([a, b].map(valuesOf)).toEqual([
      [6, 8, 10, 12],
      [6, 8, 10, 12],
    ]);
    expect(results).toEqual([
      [6, 8, 10, 12],
      [6, 10, 8, 12],
      [6, 8, 10, 12],
    ]);
  });

  it('take numbers, constants and arguments', async () => {
    const [a, b] = pair();
    const c = variable([2, 2]);
    const given = compile((x: Tensor) => {
      assign(a, a.mul(0).add(7).detach());
      assign(
        b,
        tensor([
          [1, 1],
          [2, 2],
        ]),
      );
      assign(c, x);
      return [];
    });
    await given([
      [3, 1],
      [4, 1],
    ]);
    expect([a, b, c].map(valuesOf)).toEqual([
      [7, 7, 7, 7],
      [1, 1, 2, 2],
      [3, 1, 4, 1],
    ]);
  });

  it('replace an earlier assignment to the same variable', async () => {
    const [a] = pair();
    await run(() => {
      assign(a, a.add(1));
      assign(a, a.add(2));
      return [];
    });
    expect(valuesOf(a)).toEqual([3, 4, 5, 6]);
  });

  it('are written in place, without a copy, where that is safe', () => {
    const [a, b] = pair();
    expect(updates([a, a.add(1)])).toEqual(['map add']);
    expect(updates([a, b.matmul(b)])).toEqual(['matmul']);
    expect(updates([a, a.add(1)], [b, b.sub(a)])).toEqual(['map sub', 'map add']);
    const sum = a.sum();
    expect(kernelsOf(planOf({ outputs: [sum], assignments: new Map([[a, b.add(1)]]) }))).toEqual([
      'reduce sum',
      'map add',
    ]);
  });

  it('are copied where a step would overwrite what it still reads', () => {
    const [a, b] = pair();
    expect(updates([a, a.matmul(b)])).toEqual(['matmul', 'copy assign']);
    expect(updates([a, a.transpose().add(a)])).toEqual(['map add', 'copy assign']);
    expect(updates([a, b], [b, a])).toEqual(['copy output', 'copy output', 'copy assign', 'copy assign']);
  });

  it('come after every step that can fail', () => {
    const counter = variable([], [0]);
    const labels = input('labels', [4], 'int32');
    const { result, trace } = traced(() => {
      assign(counter, counter.add(1));
      return nn.crossEntropy(variable([4, 3]), labels);
    });
    const kernels = kernelsOf(
      planOf({ inputs: [labels], outputs: [result], assignments: trace.assignments }),
    );
    expect(kernels.indexOf('map add')).toBeGreaterThan(kernels.indexOf('checkRange'));
  });

  it('come after every step that can fail, even one that needs what is assigned', () => {
    const table = variable([3, 2]);
    const rows = input('rows', [4], 'int32');
    const next = table.add(1);
    const outputs = [next.gather(rows), ...grad(next.gather(rows).sum(), [next])];
    const kernels = kernelsOf(planOf({ inputs: [rows], outputs, assignments: new Map([[table, next]]) }));
    expect(kernels).toEqual(['map add', 'gather', 'fill constant', 'scatterAdd', 'copy assign']);
  });
});

describe('outputs', () => {
  it('may be arguments, views, numbers and constants, more than once', async () => {
    const rows = tensor([
      [1, 2],
      [3, 4],
    ]);
    const fn = compile(
      (x: Tensor) => [x, x.transpose(), x, rows, rows.transpose(), tensor(5).expand([2])] as const,
    );
    const values = await Promise.all(
      (
        await fn([
          [1, 2],
          [3, 4],
        ])
      ).map(async (t) => Array.from(await t.data())),
    );
    expect(values).toEqual([
      [1, 2, 3, 4],
      [1, 3, 2, 4],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [1, 3, 2, 4],
      [5, 5],
    ]);
  });

  it('are written by the step that computes them', () => {
    const x = input('x', [4, 4]);
    expect(kernelsOf(planOf({ inputs: [x], outputs: [x.matmul(x).reshape([16]), x.exp()] }))).toEqual([
      'matmul',
      'map exp',
    ]);
  });
});
