import * as cr from 'chainrule';
import { type Tensor, tensor } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CheckOptions, checkOp, type Fn, type InputSpec } from '../helpers/check-op.js';
import { expectClose } from '../helpers/close.js';
import { type BadCall, expectBadCall } from '../helpers/errors.js';
import { argSortPlain, scanPlain, takeAlongPlain } from '../helpers/naive/along.js';
import { at, build, mapPlain, type Plain, reducePlain, total } from '../helpers/naive/naive.js';
import { hashUniform } from '../helpers/random-graph/random.js';

const { NaN: nan, POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: negative } = Number;
const list = async (x: Tensor): Promise<number[]> => [...(await x.data())];
const doubles = (...values: number[]) => tensor(Float64Array.from(values));
const on = (f: (x: Tensor) => Tensor): Fn => f as Fn;
const product = (values: number[]) => values.reduce((a, b) => a * b, 1);
const spread = (correction: number) => (values: number[]) => {
  const mean = total(values) / values.length;
  return total(values.map((v) => (v - mean) ** 2)) / (values.length - correction);
};
const power = (p: number) => (values: number[]) => total(values.map((v) => Math.abs(v) ** p)) ** (1 / p);
const largest = (values: number[]) => Math.max(...values.map(Math.abs));

/** `f` of the elements over the axes, which stay with length 1 where `keep` says so. */
function reduced(axes: readonly number[], f: (values: number[]) => number, keep = false) {
  return (x: Plain): Plain => {
    const result = reducePlain(x, axes, f);
    return keep ? { ...result, shape: x.shape.map((d, i) => (axes.includes(i) ? 1 : d)) } : result;
  };
}

describe('reductions made of others', () => {
  const shape = [2, 3, 4];
  const all = [0, 1, 2];
  const cases: [string, Fn, (x: Plain) => Plain, InputSpec?][] = [
    ['prod', on((x) => cr.prod(x)), reduced(all, product)],
    ['prod over axes', on((x) => x.prod([0, -1])), reduced([0, 2], product)],
    ['prod kept', on((x) => x.prod(1, { keepDims: true })), reduced([1], product, true)],
    ['prod of one', on((x) => x.prod(0)), reduced([0], product), { shape: [1, 3] }],
    ['prod of none', on((x) => x.prod(0)), reduced([0], product), { shape: [0, 3] }],
    ['variance', on((x) => cr.variance(x)), reduced(all, spread(1))],
    ['variance over axes', on((x) => x.variance([0, 2])), reduced([0, 2], spread(1))],
    [
      'variance uncorrected',
      on((x) => x.variance(-1, { correction: 0, keepDims: true })),
      reduced([2], spread(0), true),
    ],
    ['std', on((x) => cr.std(x, 1)), reduced([1], (v) => Math.sqrt(spread(1)(v)))],
    [
      'std uncorrected',
      on((x) => x.std([], { correction: 0 }).add(x.std(undefined, { correction: 0 }))),
      (x) => {
        const root = Math.sqrt(spread(0)([...x.data]));
        return mapPlain(() => root, x);
      },
    ],
    ['norm', on((x) => cr.norm(x)), reduced(all, power(2))],
    ['norm over axes', on((x) => x.norm([1, 2], { keepDims: true })), reduced([1, 2], power(2), true)],
    ['norm of p 1', on((x) => x.norm(0, { p: 1 })), reduced([0], power(1))],
    ['norm of p 3', on((x) => x.norm(-1, { p: 3 })), reduced([2], power(3))],
    ['norm of p 1.5', on((x) => x.norm(-1, { p: 1.5 })), reduced([2], power(1.5))],
    ['norm of p -2', on((x) => x.norm(-1, { p: -2 })), reduced([2], power(-2)), { shape, low: 0.5, high: 3 }],
    ['norm of p Infinity', on((x) => x.norm(1, { p: inf })), reduced([1], largest)],
    [
      'norm of p -Infinity',
      on((x) => x.norm(1, { p: negative })),
      reduced([1], (v) => Math.min(...v.map(Math.abs))),
    ],
    ['norm of p 0', on((x) => x.norm(1, { p: 0 })), reduced([1], (v) => v.filter((e) => e !== 0).length)],
    ['logSumExp', on((x) => cr.logSumExp(x)), reduced([2], (v) => Math.log(total(v.map(Math.exp))))],
    [
      'logSumExp over axes',
      on((x) => x.logSumExp([0, 1], { keepDims: true })),
      reduced([0, 1], (v) => Math.log(total(v.map(Math.exp))), true),
    ],
    ['cumProd', on((x) => cr.cumProd(x)), (x) => scanPlain(x, 2, product)],
    ['cumProd over an axis', on((x) => x.cumProd(0)), (x) => scanPlain(x, 0, product), { shape: [7, 2] }],
  ];
  it.each(cases)('%s has the value and gradients of its definition', async (name, fn, reference, spec) => {
    await checkOp(name, fn, [spec ?? { shape }], { reference });
  });

  it('any, all, min and argMin see every element', async () => {
    const x = tensor(
      [
        [0, 2, 0],
        [0, 0, 0],
      ],
      { dtype: 'int32' },
    );
    expect(await cr.any(x, 1).toArray()).toEqual([1, 0]);
    expect(await x.all(0, { keepDims: true }).toArray()).toEqual([[0, 0, 0]]);
    expect(await list(cr.all(x.add(1)))).toEqual([1]);
    expect([await list(cr.any(cr.zeros([0]))), await list(cr.all(cr.zeros([0])))]).toEqual([[0], [1]]);
    expect(await list(cr.any(doubles(0, nan)))).toEqual([1]);
    expect(await list(cr.min(tensor(Int32Array.of(3, -(2 ** 31), 2 ** 31 - 1))))).toEqual([-(2 ** 31)]);
    expect(await list(cr.argMin(tensor(Int32Array.of(3, -(2 ** 31), 2 ** 31 - 1))))).toEqual([1]);
    expect(await list(cr.argMax(tensor(Uint8Array.of(3, 255, 255))))).toEqual([1]);
    expect(await list(cr.min(doubles(1, nan, -5)))).toEqual([nan]);
    expect(await list(cr.argMin(doubles(1, -5, nan, nan)))).toEqual([2]);
  });

  it('sums and products of integers are integers', async () => {
    const bytes = tensor(Uint8Array.of(100, 3, 2));
    expect([cr.cumSum(bytes).dtype, cr.prod(bytes).dtype, cr.cumProd(bytes).dtype]).toEqual(
      Array(3).fill('int32'),
    );
    expect(await list(bytes.cumSum())).toEqual([100, 103, 105]);
    expect(await list(bytes.cumProd())).toEqual([100, 300, 600]);
    expect(await list(bytes.prod())).toEqual([600]);
    expect(await list(tensor(Int32Array.of(2 ** 31 - 1, 1)).cumSum())).toEqual([2 ** 31 - 1, -(2 ** 31)]);
    expect(await list(cr.prod(cr.zeros([0], 'bool')))).toEqual([1]);
  });
});

describe('gradients at the edge', () => {
  const slope = async (f: (x: Tensor) => Tensor, ...values: number[]) => {
    const x = doubles(...values);
    return list(cr.grad(f(x).sum(), [x])[0] as Tensor);
  };

  it('prod and cumProd reach every factor of a product that is 0', async () => {
    expect(await slope((x) => x.prod(), 2, 0, 3)).toEqual([0, 6, 0]);
    expect(await slope((x) => x.prod(), 0, 5, 0)).toEqual([0, 0, 0]);
    expect(await slope((x) => x.cumProd(), 2, 0, 3)).toEqual([1, 8, 0]);
  });

  it('norm and std have a gradient of 0 where they are 0', async () => {
    for (const p of [0, 1, 1.5, 2, 3, inf, -1, -2])
      expect(await slope((x) => x.norm(0, { p }), 0, 0)).toEqual([0, 0]);
    expect(await slope((x) => x.norm(0, { p: 0.5 }), 0, 4)).toEqual([0, 1]);
    expect(await slope((x) => x.norm(0, { p: -2 }), 3, 0, 4)).toEqual([0, 0, 0]);
    expect(await list(cr.norm(doubles(3, 0, 4), 0, { p: -2 }))).toEqual([0]);
    expect(await list(cr.norm(doubles(nan, 0), 0, { p: -2 }))).toEqual([nan]);
    expect(await slope((x) => x.std(), 3, 3, 3)).toEqual([0, 0, 0]);
    expect(await list(cr.norm(doubles(nan, 0)))).toEqual([nan]);
    expect(await list(cr.std(doubles(nan, 0)))).toEqual([nan]);
  });

  it('logSumExp of nothing but -Infinity is -Infinity', async () => {
    expect(await list(cr.logSumExp(doubles(negative, negative)))).toEqual([negative]);
    expect(await list(cr.logSumExp(doubles(negative, 1e4)))).toEqual([1e4]);
    expect(await list(cr.logSumExp(doubles(inf, 0)))).toEqual([inf]);
  });
});

describe('cosineSimilarity', () => {
  it('has the value and gradients of its definition', async () => {
    const fn: Fn = (a, b) => cr.cosineSimilarity(a as Tensor, b as Tensor);
    const reference = (a: Plain, b: Plain) => {
      const dots = reducePlain(
        mapPlain((p, q) => p * q, a, b),
        [1],
        total,
      );
      const [p, q] = [reducePlain(a, [1], power(2)), reducePlain(b, [a.shape.length - 1], power(2))];
      return mapPlain((d, m, n) => d / (m * n), dots, p, q);
    };
    await checkOp(
      'cosineSimilarity',
      fn,
      [
        [3, 4],
        [3, 4],
      ],
      { reference },
    );
    const first: Fn = (a, b) => cr.cosineSimilarity(a as Tensor, b as Tensor, 0, { eps: 1e-6 });
    await checkOp('cosineSimilarity along an axis', first, [
      [3, 2],
      [3, 1],
    ]);
    expect(await list(cr.cosineSimilarity(doubles(0, 0), doubles(1, 2)))).toEqual([0]);
  });
});

describe('order along an axis', () => {
  it('sort and topK have the value and gradients of their definitions', async () => {
    const sorted = (axis: number, descending: boolean): CheckOptions => ({
      reference: (x) => takeAlongPlain(x, argSortPlain(x, axis, descending, x.shape[axis] as number), axis),
    });
    await checkOp(
      'sort',
      on((x) => cr.sort(x)),
      [[3, 5]],
      sorted(1, false),
    );
    await checkOp(
      'sort descending',
      on((x) => x.sort(0, { descending: true })),
      [[4, 3, 2]],
      sorted(0, true),
    );
    const top = (axis: number, k: number, largest: boolean): CheckOptions => ({
      reference: (x) => takeAlongPlain(x, argSortPlain(x, axis, largest, k), axis),
    });
    await checkOp(
      'topK',
      on((x) => cr.topK(x, 2).values),
      [[3, 5]],
      top(1, 2, true),
    );
    await checkOp(
      'topK smallest',
      on((x) => x.topK(3, 0, { largest: false }).values),
      [[4, 3]],
      top(0, 3, false),
    );
  });

  it('keeps the order of equal elements, and takes NaN for the largest', async () => {
    const x = doubles(2, nan, 1, 2, -inf, 1, nan, inf);
    expect(await list(x.argSort())).toEqual([4, 2, 5, 0, 3, 7, 1, 6]);
    expect(await list(x.argSort(0, { descending: true }))).toEqual([1, 6, 7, 0, 3, 2, 5, 4]);
    expect(await list(x.topK(3).indices)).toEqual([1, 6, 7]);
    expect(await list(tensor(Int32Array.of(3, -1, 2)).sort())).toEqual([-1, 2, 3]);
    const many = Array.from({ length: 500 }, (_, i) => (i * 7) % 5);
    const stable = many.map((_, i) => i).sort((i, j) => (many[i] as number) - (many[j] as number) || i - j);
    expect(await list(tensor(Float32Array.from(many)).argSort())).toEqual(stable);
    expect(await list(tensor(Float32Array.from(many)).topK(40, 0, { largest: false }).indices)).toEqual(
      stable.slice(0, 40),
    );
  });
});

describe('random shapes', () => {
  const RUNS = { numRuns: 100, seed: 31 };
  const values = (shape: readonly number[], from: number): Plain => ({
    shape,
    // Many of them are equal.
    data: hashUniform(product([...shape]), from, -3, 3).map((v) => Math.round(v * 2) / 2),
  });
  const lift = ({ shape, data }: Plain) => tensor(Float64Array.from(data), { shape });
  const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
  const same = async (name: string, actual: Tensor, expected: Plain) => {
    expect(actual.shape, name).toEqual(expected.shape);
    expectClose(name, await actual.data(), expected.data, { relative: 1e-12 });
  };

  it('ordering and accumulating run along any axis, behind any transposition', async () => {
    const property = fc.asyncProperty(
      shapes,
      fc.nat(),
      fc.nat({ max: 1000 }),
      fc.boolean(),
      async (shape, n, from, descending) => {
        const axis = n % shape.length;
        const x = values(shape, from);
        const turned = build(shape.toReversed(), (index) => at(x, index.toReversed()));
        const t = lift(x).permute(shape.map((_, i) => shape.length - 1 - i));
        const length = turned.shape[axis] as number;
        const order = argSortPlain(turned, axis, descending, length);
        await same('argSort', t.argSort(axis, { descending }), order);
        await same('sort', t.sort(axis, { descending }), takeAlongPlain(turned, order, axis));
        const k = n % (length + 1);
        await same(
          'topK',
          t.topK(k, axis, { largest: descending }).indices,
          argSortPlain(turned, axis, descending, k),
        );
        await same('cumSum', t.cumSum(axis), scanPlain(turned, axis, total));
        await same('cumProd', t.cumProd(axis), scanPlain(turned, axis, product));
        await same('prod', t.prod(axis), reducePlain(turned, [axis], product));
        await same('norm', t.norm(axis), reducePlain(turned, [axis], power(2)));
      },
    );
    await fc.assert(property, RUNS);
  });
});

describe('errors of reductions and orders', () => {
  const x = cr.zeros([2, 3]);
  const whole = tensor(Int32Array.of(1, 2));
  const bad: BadCall[] = [
    [
      'a variance of integers',
      () => cr.variance(whole),
      'variance: needs float32 or float64; cast it first, got int32',
    ],
    [
      'a variance with a correction that is no number',
      () => cr.variance(x, 0, { correction: nan }),
      'variance: correction must be a finite number, got NaN',
    ],
    [
      'the largest magnitude of nothing',
      () => cr.norm(cr.zeros([2, 0]), 1, { p: inf }),
      'norm: the norm of p Infinity needs at least one element on each axis, got [2,0]',
    ],
    [
      'sums along the second axis of a scalar',
      () => cr.sum(cr.ones([]), 1),
      'sum: axis must be an integer from -1 to 0, got 1',
    ],
    ['axes of a scalar twice', () => cr.sum(cr.ones([]), [0, -1]), 'sum: axes must differ, got [0,-1]'],
    ['a norm without a power', () => cr.norm(x, 0, { p: nan }), 'norm: p must be a number, got NaN'],
    ['a norm of integers', () => cr.norm(whole), 'norm: needs float32 or float64; cast it first, got int32'],
    ['sums along no axis', () => cr.cumSum(x, 2), 'cumSum: axis must be an integer from -2 to 1, got 2'],
    [
      'a minimum of nothing',
      () => cr.min(cr.zeros([0])),
      'min: needs at least one element on each reduced axis, got [0]',
    ],
    [
      'an index of nothing',
      () => cr.argMin(cr.zeros([0])),
      'argMin: needs at least one element on the axis, got [0]',
    ],
    ['an order along no axis', () => cr.sort(x, -3), 'sort: axis must be an integer from -2 to 1, got -3'],
    ['indices along no axis', () => cr.argSort(x, 2), 'argSort: axis must be an integer from -2 to 1, got 2'],
    ['more than there are', () => cr.topK(x, 4), 'topK: k of [2,3] must be an integer from 0 to 3, got 4'],
    ['any along no axis', () => cr.any(x, 2), 'any: axis must be an integer from -2 to 1, got 2'],
    ['all along no axis', () => cr.all(x, 2), 'all: axis must be an integer from -2 to 1, got 2'],
    [
      'vectors of two lengths',
      () => cr.cosineSimilarity(x, cr.zeros([2])),
      'cosineSimilarity: shapes do not broadcast, [2,3] and [2]',
    ],
    [
      'no room for an angle',
      () => cr.cosineSimilarity(x, x, 1, { eps: 0 }),
      'cosineSimilarity: eps must be a positive number, got 0',
    ],
  ];
  it.each(bad)('%s', (_, call, message) => expectBadCall(call, message, 'reductions.test.ts'));
});
