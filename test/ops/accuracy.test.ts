import * as cr from 'chainrule';
import { compile, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { erf } from '../helpers/naive/reference-functions.js';

/** A function, its value in double precision, and the range that it is tried on. */
type Case = readonly [
  name: string,
  fn: (x: Tensor) => Tensor,
  exact: (x: number) => number,
  low: number,
  high: number,
];

const cases: readonly Case[] = [
  ['exp', cr.exp, Math.exp, -103, 88.7],
  ['log', cr.log, Math.log, 1e-30, 5],
  ['sin', cr.sin, Math.sin, -30, 30],
  ['cos', cr.cos, Math.cos, -30, 30],
  ['tanh', cr.tanh, Math.tanh, -9, 9],
  ['sigmoid', cr.sigmoid, (x) => 1 / (1 + Math.exp(-x)), -80, 20],
  ['erf', cr.erf, erf, -5, 5],
  ['expm1', cr.expm1, Math.expm1, -20, 20],
  ['log1p', cr.log1p, Math.log1p, -0.9, 5],
  ['tan', cr.tan, Math.tan, -1.5, 1.5],
  ['asin', cr.asin, Math.asin, -1, 1],
  ['acos', cr.acos, Math.acos, -1, 1],
  ['atan', cr.atan, Math.atan, -20, 20],
  ['sinh', cr.sinh, Math.sinh, -20, 20],
  ['cosh', cr.cosh, Math.cosh, -20, 20],
];

const COUNT = 20_000;

/** Numbers spread evenly over the range, and around 0 on a logarithmic scale where the range holds it. */
function inputs(low: number, high: number): Float32Array {
  const even = Array.from({ length: COUNT }, (_, i) => low + ((high - low) * (i + 0.5)) / COUNT);
  const small = Array.from({ length: 200 }, (_, i) => 2 ** (-i / 8));
  return Float32Array.from([...even, ...small, ...small.map((x) => -x)].filter((x) => x >= low && x <= high));
}

/** The distance between neighbouring float32 numbers at x. */
function spacing(x: number): number {
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), -126);
  return 2 ** (exponent - 23);
}

/** What a number becomes that is too small for float32's normal numbers. */
function flushed(x: number): number {
  return Math.abs(x) < 2 ** -126 ? 0 : x;
}

describe('elementary functions in float32', () => {
  it.each(cases)('%s is off by less than 2.5 units in the last place', async (name, fn, exact, low, high) => {
    const x = inputs(low, high);
    const run = compile((value: Tensor) => fn(value));
    const result = await (await run(tensor(x))).data();
    run.release();
    let worst = 0;
    let at = 0;
    x.forEach((value, i) => {
      const expected = flushed(exact(value));
      const error =
        expected === result[i] ? 0 : Math.abs((result[i] as number) - expected) / spacing(expected);
      if (!(error <= worst)) [worst, at] = [error, value];
    });
    expect(worst, `${name}(${at})`).toBeLessThan(2.5);
  });

  it.each([
    ['exp', cr.exp, [Number.POSITIVE_INFINITY, 0, Number.POSITIVE_INFINITY, 0]],
    ['sigmoid', cr.sigmoid, [1, 0, 1, 0]],
    ['tanh', cr.tanh, [1, -1, 1, -1]],
    ['erf', cr.erf, [1, -1, 1, -1]],
  ] as const)('%s has its limits far from 0, and keeps a NaN', async (_, fn, limits) => {
    const run = compile((value: Tensor) => fn(value));
    const infinity = Number.POSITIVE_INFINITY;
    const far = [infinity, -infinity, 3e38, -3e38];
    const result = await (await run(tensor([...far, Number.NaN]))).data();
    run.release();
    expect([...result]).toEqual([...limits, Number.NaN]);
  });
});
