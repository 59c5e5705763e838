import * as cr from 'chainrule';
import { nn, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { checkOp } from '../helpers/check-op.js';
import { expectClose } from '../helpers/close.js';
import { mapPlain } from '../helpers/naive/naive.js';

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const list = async (x: Tensor): Promise<number[]> => [...(await x.data())];

/** The value of a function and the gradients of its sum. */
async function slopes(fn: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): Promise<number[][]> {
  const run = cr.compile((...args: Tensor[]) => {
    const value = fn(...args);
    return [value, ...cr.grad(cr.sum(value), args)];
  });
  const results = (await run(...inputs)) as Tensor[];
  run.release();
  return Promise.all(results.map(list));
}

describe('gradients whose parts overflow or underflow', () => {
  it('atan2 has the exact gradient at any scale, 0 at the origin and at infinity', async () => {
    const sizes = [1e-37, 1e-30, 1e-20, 1e-3, 1, 1e3, 1e18, 1e19, 1e30, 3e38];
    const pairs = sizes.flatMap((y) => sizes.map((x) => [Math.fround(y), -Math.fround(x)] as const));
    const [ys, xs] = [pairs.map(([y]) => y), pairs.map(([, x]) => x)];
    const [, toY, toX] = (await slopes(cr.atan2, tensor(ys), tensor(xs))) as [number[], number[], number[]];
    const exact = (f: (y: number, x: number) => number) => pairs.map(([y, x]) => Math.fround(f(y, x)));
    // Plans take subnormal numbers for zero.
    const normal = (slope: number) => (Math.abs(slope) < 2 ** -126 ? 0 : slope);
    const tolerance = { relative: 1e-6, floor: 1e-37 };
    expectClose(
      'to y',
      toY,
      exact((y, x) => normal(x / (x * x + y * y))),
      tolerance,
    );
    expectClose(
      'to x',
      toX,
      exact((y, x) => normal(-y / (x * x + y * y))),
      tolerance,
    );

    const still = await slopes(
      cr.atan2,
      tensor([0, -0, inf, 1, inf, -inf]),
      tensor([0, 0, 1, inf, inf, -inf]),
    );
    expect(still.slice(1).map((slope) => slope.map(Math.abs))).toEqual([
      new Array(6).fill(0),
      new Array(6).fill(0),
    ]);
    expect((await slopes(cr.atan2, tensor([nan]), tensor([1]))).flat()).toEqual([nan, nan, nan]);
  });

  it('atan2 has the second-order gradient of its definition', async () => {
    const point = [[3, 2], [2]];
    await checkOp('atan2', (y, x) => cr.atan2(y as Tensor, x as Tensor), point, {
      reference: (y, x) => mapPlain(Math.atan2, y, x),
    });
  });

  it('pow has those of its limits at a base of 0', async () => {
    const [, , toExponent] = await slopes(cr.pow, cr.zeros([5]), tensor([-1, -0.5, 0, 1, 2]));
    expect(toExponent).toEqual([-inf, -inf, 0, 0, 0]);
    const [, toBase] = await slopes(cr.pow, cr.zeros([5]), tensor([-1, 0.5, 0, 1, 2]));
    expect(toBase).toEqual([-inf, inf, 0, 1, 0]);
    expect(await slopes(cr.pow, tensor([-2]), tensor([3]))).toEqual([[-8], [12], [nan]]);
  });

  it('elu keeps the digits of e ** x', async () => {
    const x = [-1, -15, -20, -50, -80];
    for (const fn of [nn.elu, (x: Tensor) => cr.expm1(x)]) {
      const [, slope] = await slopes((x) => fn(x as Tensor), tensor(x));
      expectClose('slope', slope as number[], x.map(Math.exp), { relative: 1e-6, floor: 1e-37 });
    }
  });

  it('logSumExp gives none to finite elements beside an infinite one', async () => {
    const fn = (x: Tensor) => cr.logSumExp(x);
    expect(await slopes(fn as never, tensor([1e10, 0, -inf, inf]))).toEqual([[inf], [0, 0, 0, nan]]);
    expect(await slopes(fn as never, tensor([1e10, 1e10, 0]))).toEqual([[Math.fround(1e10)], [0.5, 0.5, 0]]);
  });
});

describe('products in order', () => {
  it('cumProd leaves the range of float32 and returns to it, and stays 0 behind a 0', async () => {
    const products = async (...values: number[]) => list(cr.cumProd(tensor(values)));
    expect(await products(0, 1e30, 1e30)).toEqual([0, 0, 0]);
    expect(await products(0, -2, -3e38, inf)).toEqual([0, -0, 0, nan]);
    expect(await products(1e30, 1e30, 1e-30, 1e-30).then(([, , , last]) => last)).toBeCloseTo(1, 6);
    expect(await products(2, 3, -1, 4)).toEqual([2, 6, -6, -24]);
    expect(
      await list(
        cr.cumProd(
          tensor([
            [1, 2],
            [3, 4],
            [5, 6],
          ]),
          0,
        ),
      ),
    ).toEqual([1, 2, 3, 8, 15, 48]);
    const [, slope] = await slopes((x) => cr.cumProd(x as Tensor), tensor([0, 1e30, 1e-30]));
    expectClose('slope', slope as number[], [1e30, 0, 0], { relative: 1e-6 });
  });
});

describe('losses at infinity', () => {
  it('give the value and the slope of their limit', async () => {
    const none = { reduction: 'none' } as const;
    const far = tensor([inf, -inf]);
    expect(await slopes((x) => nn.huberLoss(x as Tensor, cr.zeros([2]), none), far)).toEqual([
      [inf, inf],
      [1, -1],
    ]);
    expect(await slopes((x) => nn.smoothL1Loss(x as Tensor, cr.zeros([2]), none), far)).toEqual([
      [inf, inf],
      [1, -1],
    ]);
    const flat = (x: Tensor) => nn.gaussianNLLLoss(x, cr.zeros([2]), far.abs(), none);
    expect(await slopes(flat as never, cr.ones([2]))).toEqual([
      [inf, inf],
      [0, 0],
    ]);
  });

  it('klDivergence of a negative target is NaN', async () => {
    const target = tensor([-0.5, 0, 1]);
    const terms = nn.klDivergence(tensor([-1, -1, -1]), target, { reduction: 'none' });
    expect(await list(terms)).toEqual([nan, 0, 1]);
  });
});
