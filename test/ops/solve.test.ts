import * as cr from 'chainrule';
import { type Tensor, tensor } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkOp, type Fn } from '../helpers/check-op.js';
import { expectClose } from '../helpers/close.js';
import { type BadCall, expectBadCall } from '../helpers/errors.js';
import { failure, variable } from '../helpers/graphs.js';
import { inversePlain, solvePlain } from '../helpers/naive/along.js';
import { at, build, type Plain } from '../helpers/naive/naive.js';
import { hashUniform } from '../helpers/random-graph/random.js';

const doubles = (data: readonly number[], shape: cr.Shape) => tensor(Float64Array.from(data), { shape });
const list = async (x: Tensor): Promise<number[]> => [...(await x.data())];
const firm = (x: Tensor) => cr.add(x, cr.eye(x.shape.at(-1) as number, undefined, x.dtype).mul(9));
const firmPlain = (x: Plain) =>
  build(x.shape, (index) => at(x, index) + (index.at(-1) === index.at(-2) ? 9 : 0));

describe('solve and inverse', () => {
  it('have the value and gradients of their definitions', async () => {
    const fn: Fn = (a, b) => cr.solve(firm(a as Tensor), b as Tensor);
    await checkOp(
      'solve',
      fn,
      [
        [3, 3],
        [3, 2],
      ],
      { reference: (a, b) => solvePlain(firmPlain(a), b) },
    );
    await checkOp(
      'solve of broadcast batches',
      fn,
      [
        [2, 1, 2, 2],
        [3, 2, 2],
      ],
      {
        reference: (a, b) => solvePlain(firmPlain(a), b),
      },
    );
    const column = (a: Plain, b: Plain): Plain => {
      const result = solvePlain(firmPlain(a), { shape: [...b.shape, 1], data: b.data });
      return { ...result, shape: result.shape.slice(0, -1) };
    };
    await checkOp('solve of a vector', fn, [[3, 3], [3]], { reference: column });
    await checkOp(
      'solve of a vector each',
      fn,
      [
        [2, 3, 3],
        [2, 3],
      ],
      { reference: column },
    );
    await checkOp('inverse', (a) => cr.inverse(firm(a as Tensor)), [[2, 3, 3]], {
      reference: (a) => inversePlain(firmPlain(a)),
    });
  });

  it('take [N, N] for a matrix and never for vectors, whatever the number of matrices', async () => {
    const stack = (b: Plain, count: number): Plain => ({
      shape: [count, ...b.shape],
      data: Array.from({ length: count }, () => [...b.data]).flat(),
    });
    for (const n of [1, 2, 3]) {
      const fn: Fn = (a, b) => cr.solve(firm(a as Tensor), b as Tensor);
      const cube = [n, n, n];
      await checkOp(`solve of ${n} matrices by one`, fn, [cube, [n, n]], {
        reference: (a, b) => solvePlain(firmPlain(a), stack(b, n)),
      });
      await checkOp(`solve of a table of ${n * n} matrices`, fn, [[n, ...cube], cube], {
        reference: (a, b) => solvePlain(firmPlain(a), stack(b, n)),
      });
      await checkOp(`inverse of ${n} matrices`, (a) => cr.inverse(firm(a as Tensor)), [cube], {
        reference: (a) => inversePlain(firmPlain(a)),
      });
      await checkOp(`inverse of a table of ${n * n}`, (a) => cr.inverse(firm(a as Tensor)), [[n, ...cube]], {
        reference: (a) => inversePlain(firmPlain(a)),
      });
    }
  });

  it('give the numbers of NumPy for cubes', async () => {
    const tiny = { relative: 1e-15 };
    const a = doubles([2, 1, 1, 3, 1, 0, 0, 4], [2, 2, 2]);
    expect(cr.inverse(a).shape).toEqual([2, 2, 2]);
    expectClose('inverse', await cr.inverse(a).data(), [0.6, -0.2, -0.2, 0.4, 1, 0, 0, 0.25], tiny);
    const b = doubles([1, 2, 3, 4], [2, 2]);
    expect(cr.solve(a, b).shape).toEqual([2, 2, 2]);
    expectClose('solve', await cr.solve(a, b).data(), [0, 0.4, 1, 1.2, 1, 2, 0.75, 1], tiny);
    // Vectors, where b cannot be a matrix: three for three matrices of two rows, and a table of [3, 2].
    expect(cr.solve(cr.ones([3, 2, 2]), cr.ones([3, 2])).shape).toEqual([3, 2]);
    expect(cr.solve(cr.ones([3, 2, 2, 2]), cr.ones([3, 2, 2])).shape).toEqual([3, 2, 2]);
    expect(cr.solve(a, cr.unsqueeze(b, -1)).shape).toEqual([2, 2, 1]);
    expect(cr.inverse(cr.zeros([0, 0])).shape).toEqual([0, 0]);
    expect([...(await cr.inverse(cr.zeros([2, 0, 0])).data())]).toEqual([]);
  });

  it('exchange rows where the diagonal is 0', async () => {
    const swap = doubles([0, 1, 0, 0, 0, 1, 1, 0, 0], [3, 3]);
    expect(await list(cr.solve(swap, doubles([1, 2, 3], [3])))).toEqual([3, 1, 2]);
  });

  it('leave small residuals for random systems of any size, in both precisions', async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 5 }),
      fc.nat({ max: 999 }),
      async (n, k, from) => {
        for (const [dtype, relative] of [
          ['float64', 1e-9],
          ['float32', 1e-3],
        ] as const) {
          const a = tensor(hashUniform(n * n, from, -1, 1), { shape: [n, n], dtype }).add(
            cr.eye(n, n, dtype).mul(2),
          );
          const b = tensor(hashUniform(n * k, from + 1, -1, 1), { shape: [n, k], dtype });
          const back = await a.matmul(cr.solve(a, b)).data();
          expectClose(`${dtype} ${n}`, back, await b.data(), { relative });
        }
      },
    );
    await fc.assert(property, { numRuns: 40, seed: 3 });
  });

  it('pass NaN on, and stop at a singular matrix', async () => {
    expect(await list(cr.solve(doubles([Number.NaN, 1, 1, 1], [2, 2]), doubles([1, 1], [2])))).toEqual([
      Number.NaN,
      Number.NaN,
    ]);
    const batch = doubles([1, 0, 0, 1, 1, 2, 2, 4], [2, 2, 2]);
    const error = await failure(cr.solve(batch, cr.ones([2, 2, 1], 'float64')).data());
    expect(error).toBeInstanceOf(cr.ChainruleError);
    expect(error.message).toBe('solve: matrix 1 is singular');
    expect((await failure(cr.inverse(cr.zeros([2, 2])).data())).message).toBe(
      'inverse: matrix 0 is singular',
    );
  });

  it('leave variables as they were when they stop', async () => {
    const v = variable([2], [1, 2]);
    const step = cr.compile((a: Tensor) => {
      cr.assign(v, v.mul(2));
      return cr.solve(a, cr.ones([2]));
    });
    expect((await failure(step(cr.zeros([2, 2])))).message).toBe('solve: matrix 0 is singular');
    expect([...v.storage.data]).toEqual([1, 2]);
    await step(cr.eye(2));
    expect([...v.storage.data]).toEqual([2, 4]);
    step.release();
  });

  const x = cr.zeros([2, 3]);
  const square = cr.zeros([3, 3]);
  const bad: BadCall[] = [
    ['a rectangle', () => cr.solve(x, x), 'solve: the matrix must be square, got [2,3]'],
    ['a rectangle to invert', () => cr.inverse(x), 'inverse: the matrix must be square, got [2,3]'],
    ['another size', () => cr.solve(square, x), 'solve: sizes differ, [3,3] and [2,3]'],
    [
      'a vector of another size',
      () => cr.solve(square, cr.zeros([2])),
      'solve: sizes differ, [3,3] and [2,1]',
    ],
    [
      'another dtype',
      () => cr.solve(square, cr.zeros([3, 1], 'float64')),
      'solve: dtypes differ, float32 and float64; cast one of them',
    ],
    [
      'integers',
      () => cr.inverse(cr.zeros([2, 2], 'int32')),
      'inverse: needs float32 or float64; cast it first, got int32',
    ],
    [
      'another batch',
      () => cr.solve(cr.zeros([2, 3, 3]), cr.zeros([4, 3, 1])),
      'solve: shapes do not broadcast, [2] and [4]',
    ],
  ];
  it.each(bad)('refuse %s', (_, call, message) => expectBadCall(call, message, 'solve.test.ts'));
});
