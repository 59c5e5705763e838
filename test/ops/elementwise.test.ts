import * as cr from 'chainrule';
import { type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { checkOp, type Fn, type InputSpec } from '../helpers/check-op.js';
import { expectClose } from '../helpers/close.js';
import { type BadCall, expectBadCall } from '../helpers/errors.js';
import { mapPlain } from '../helpers/naive/naive.js';

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const list = async (x: Tensor): Promise<number[]> => [...(await x.data())];
const ints = (...values: number[]) => tensor(Int32Array.from(values));
const bools = (...values: number[]) => tensor(values, { dtype: 'bool' });
const on = (f: (x: Tensor) => Tensor): Fn => f as Fn;
const positive: InputSpec = { shape: [3, 5], low: 0.3, high: 3 };

describe('composites of element-wise ops', () => {
  const unary: [string, Fn, (x: number) => number, InputSpec?][] = [
    ['log2', on(cr.log2), Math.log2, positive],
    ['log10', on(cr.log10), Math.log10, positive],
    ['rsqrt', on(cr.rsqrt), (x) => 1 / Math.sqrt(x), positive],
    ['reciprocal', on(cr.reciprocal), (x) => 1 / x, positive],
    ['clip', on((x) => x.clip(-0.7, 1.1)), (x) => Math.min(Math.max(x, -0.7), 1.1)],
    ['clip low', on((x) => x.clip(0.1)), (x) => Math.max(x, 0.1)],
    ['clip high', on((x) => x.clip(undefined, 0.1)), (x) => Math.min(x, 0.1)],
    ['clip of crossed limits', on((x) => x.clip(0.6, -0.7)), () => -0.7],
  ];
  it.each(unary)('%s has the value and gradients of its definition', async (name, fn, f, spec) => {
    await checkOp(name, fn, [spec ?? { shape: [3, 5] }], { reference: (x) => mapPlain(f, x) });
  });

  it('logAddExp has the value and gradients of its definition', async () => {
    const reference = (a: number, b: number) => Math.log(Math.exp(a) + Math.exp(b));
    await checkOp('logAddExp', (a, b) => cr.logAddExp(a as Tensor, b as Tensor), [[3, 5], [5]], {
      reference: (a, b) => mapPlain(reference, a, b),
    });
    // Also at ties: the slopes are a half, and the curvature a quarter.
    await checkOp(
      'logAddExp of equals',
      (a) => cr.logAddExp(a as Tensor, cr.sub(2, cr.sub(2, a as Tensor))),
      [[3]],
    );
    const twins = on((x) => cr.logAddExp(x, cr.stopGradient(x)));
    const x = tensor([0.5], { dtype: 'float64' });
    const [slope] = cr.grad(twins(x).sum(), [x]) as [Tensor];
    expect(await list(slope)).toEqual([0.5]);
    expect(await list(cr.grad(slope.sum(), [x])[0] as Tensor)).toEqual([0.25]);
  });

  it('clip and maskedFill broadcast and pass gradients to what they choose', async () => {
    const clipped: Fn = (x, low, high) => cr.clip(x as Tensor, low, high);
    await checkOp('clip to tensors', clipped, [[3, 5], [5], [3, 1]], {
      reference: (x, a, b) => mapPlain((v, p, q) => Math.min(Math.max(v, p), q), x, a, b),
    });
    const filled: Fn = (x, m, v) => cr.maskedFill(x as Tensor, cr.gt(m as Tensor, 0), v as Tensor);
    await checkOp('maskedFill', filled, [[3, 5], [5], []], {
      reference: (x, m, v) => mapPlain((a, b, c) => (b > 0 ? c : a), x, m, v),
    });
  });
});

describe.each([Float32Array, Float64Array] as const)('element-wise values at the edge, in %o', (Floats) => {
  const of = (...values: number[]) => tensor(Floats.from(values));

  it('functions have their limits', async () => {
    expect(await list(cr.erf(of(inf, -inf, 0, nan, 9, -9)))).toEqual([1, -1, 0, nan, 1, -1]);
    expect(await list(cr.expm1(of(inf, -inf, 0, nan, 1000, -1000)))).toEqual([inf, -1, 0, nan, inf, -1]);
    expect(await list(cr.log1p(of(inf, -1, 0, nan, -2)))).toEqual([inf, -inf, 0, nan, nan]);
    expect(await list(cr.asin(of(2, 0, nan)))).toEqual([nan, 0, nan]);
    expect(await list(cr.logAddExp(of(inf, -inf, -inf, nan, 5), of(0, -inf, 2, 0, -inf)))).toEqual([
      inf,
      -inf,
      2,
      nan,
      5,
    ]);
    const signed = [cr.erf, cr.expm1, cr.log1p].map((f) => list(f(of(-0))));
    expect((await Promise.all(signed)).flat().map((v) => Object.is(v, -0))).toEqual([true, true, true]);
  });

  it('functions are accurate near 0 and far from it', async () => {
    const precision = Floats === Float32Array ? 2.4e-7 : 4e-16;
    const at = (scale: number) =>
      Array.from({ length: 400 }, (_, i) => Floats.of((i - 200) * scale)[0] as number);
    for (const scale of [1e-30, 1e-9, 1e-4, 0.004, 0.43]) {
      const x = at(scale);
      const close = async (
        name: string,
        f: (x: Tensor) => Tensor,
        exact: (x: number) => number,
        values: number[],
      ) =>
        expectClose(name, await list(f(of(...values))), values.map(exact), {
          relative: precision,
          floor: 1e-35,
        });
      await close(
        'expm1',
        cr.expm1,
        Math.expm1,
        x.filter((v) => v < 80),
      );
      await close(
        'log1p',
        cr.log1p,
        Math.log1p,
        x.filter((v) => v > -1),
      );
    }
  });

  it('the rounding functions and the divisions follow Python', async () => {
    expect(await list(cr.round(of(-2.5, -1.5, 0.5, 1.5, 2.4, inf)))).toEqual([-2, -2, 0, 2, 2, inf]);
    expect(await list(cr.floorDiv(of(7, -7, 7, -7, 1, 5), of(2, 2, -2, -2, 0.1, 0)))).toEqual([
      3,
      -4,
      -4,
      3,
      9,
      inf,
    ]);
    expect(await list(cr.mod(of(7, -7, 7, -7, 6, 5), of(2, 2, -2, -2, 3, 0)))).toEqual([
      1,
      1,
      -1,
      -1,
      0,
      nan,
    ]);
    const [a, b] = [of(-5, 5, 5), of(inf, -inf, inf)];
    expect(await list(cr.floorDiv(a, b))).toEqual([-1, -1, 0]);
    expect(await list(cr.mod(a, b))).toEqual([inf, -inf, 5]);
  });
});

describe('integers and bools', () => {
  it('divide as in Python, and by zero to zero', async () => {
    const [a, b] = [ints(7, -7, 7, -7, 5, 2147483647), ints(2, 2, -2, -2, 0, -1)];
    expect(await list(cr.floorDiv(a, b))).toEqual([3, -4, -4, 3, 0, -2147483647]);
    expect(await list(cr.mod(a, b))).toEqual([1, 1, -1, -1, 0, 0]);
    expect(cr.floorDiv(a, 2).dtype).toBe('int32');
    expect(await list(cr.clip(a, -2, 3))).toEqual([3, -2, 3, -2, 3, 3]);
    expect(await list(cr.floor(a.mul(1)))).toEqual([...(await a.data())]);
  });

  it('combine as truths, whatever they are', async () => {
    const [p, q] = [bools(0, 0, 1, 1), bools(0, 1, 0, 1)];
    expect(await list(cr.logicalAnd(p, q))).toEqual([0, 0, 0, 1]);
    expect(await list(p.logicalOr(q))).toEqual([0, 1, 1, 1]);
    expect(await list(p.logicalXor(q))).toEqual([0, 1, 1, 0]);
    expect(await list(p.logicalNot())).toEqual([1, 1, 0, 0]);
    expect(await list(cr.logicalAnd(ints(0, 2, -3), 5))).toEqual([0, 1, 1]);
    expect(cr.logicalXor(ints(1), ints(2)).dtype).toBe('bool');
    for (const mask of [cr.isNaN, cr.isInf]) expect(await list(mask(ints(0, 1)))).toEqual([0, 0]);
    expect(await list(cr.isFinite(ints(0, 1)))).toEqual([1, 1]);
  });
});

describe('element-wise errors', () => {
  const x = tensor([1, 2]);
  const bad: BadCall[] = [
    ['integers', () => cr.erf(ints(1)), 'erf: needs float32 or float64; cast it first, got int32'],
    ['bools', () => cr.mod(bools(1), bools(1)), 'mod: needs numbers; cast the bool first, got bool'],
    ['two dtypes', () => cr.atan2(x, ints(1)), 'atan2: dtypes differ, float32 and int32; cast one of them'],
    ['no limit', () => cr.clip(x), 'clip: low, high or both must be given, got undefined'],
    [
      'a limit of another dtype',
      () => cr.clip(x, ints(1)),
      'clip: dtypes differ, float32 and int32; cast one of them',
    ],
    [
      'a limit of another shape',
      () => cr.clip(x, tensor([1, 2, 3])),
      'clip: shapes do not broadcast, [2] and [3]',
    ],
    [
      'a mask of numbers',
      () => cr.maskedFill(x, x, 0),
      'maskedFill: mask must be a bool tensor, got float32',
    ],
    [
      'a fraction for integers',
      () => cr.maskedFill(ints(1), bools(1), 0.5),
      'maskedFill: value must be a int32 number, got 0.5',
    ],
  ];
  it.each(bad)('%s', (_, call, message) => expectBadCall(call, message, 'elementwise.test.ts'));
});
