import * as cr from 'chainrule';
import { compile, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { philox } from '#lib/graph/random.js';
import { expectClose } from '../helpers/close.js';

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const list = async (x: Tensor): Promise<number[]> => [...(await x.data())];
const both = [Float32Array, Float64Array] as const;

describe.each(both)('values at the edge, in %o', (Floats) => {
  const of = (...values: number[]) => tensor(Floats.from(values));
  const edge = of(nan, inf, -inf, 0, -0);

  it('NaN passes through relu, maximum, minimum and max', async () => {
    expect(await list(cr.relu(edge))).toEqual(
      [nan, inf, 0, 0, 0].map((v) => (v === 0 ? expect.closeTo(0) : v)),
    );
    expect(await list(cr.maximum(edge, 1))).toEqual([nan, inf, 1, 1, 1]);
    expect(await list(cr.maximum(1, of(nan)))).toEqual([nan]);
    expect(await list(cr.minimum(edge, 1))).toEqual([nan, 1, -inf, expect.closeTo(0), expect.closeTo(0)]);
    expect(await list(cr.minimum(1, of(nan)))).toEqual([nan]);
    for (let place = 0; place < 40; place++) {
      const values = Array.from({ length: 40 }, (_, i) => (i === place ? nan : i));
      expect(await list(cr.max(of(...values)))).toEqual([nan]);
    }
  });

  it('NaN wins a window of maxPool2d, wherever it lies', async () => {
    for (let place = 0; place < 4; place++) {
      const values = Array.from({ length: 4 }, (_, i) => (i === place ? nan : i));
      expect(await list(cr.maxPool2d(of(...values).reshape([1, 2, 2, 1]), 2))).toEqual([nan]);
    }
  });

  it('padding never wins a maximum, even over negative infinity', async () => {
    const image = of(-inf, -inf, -inf, -5).reshape([1, 2, 2, 1]);
    expect(await list(cr.maxPool2d(image, 2, { padding: 1 }))).toEqual([-inf, -inf, -inf, -5]);
  });

  it('comparisons with NaN are false, but for ne', async () => {
    const { eq, ne, lt, le, gt, ge } = cr;
    const results = await Promise.all([eq, ne, lt, le, gt, ge].map((f) => list(f(of(nan), of(nan)))));
    expect(results.flat()).toEqual([0, 1, 0, 0, 0, 0]);
    expect(await list(cr.eq(of(0), of(-0)))).toEqual([1]);
  });

  it('functions have their limits', async () => {
    expect(await list(cr.exp(of(inf, -inf, 0, nan, 1000, -1000)))).toEqual([inf, 0, 1, nan, inf, 0]);
    expect(await list(cr.log(of(0, 1, inf, -1, nan)))).toEqual([-inf, 0, inf, nan, nan]);
    expect(await list(cr.sqrt(of(0, 4, inf, -1, nan)))).toEqual([0, 2, inf, nan, nan]);
    expect(await list(cr.tanh(of(inf, -inf, 50, -50, 0, nan)))).toEqual([1, -1, 1, -1, 0, nan]);
    expect(await list(cr.sigmoid(of(inf, -inf, 0, nan)))).toEqual([1, 0, 0.5, nan]);
    expect(await list(cr.div(of(1, -1, 0, 1), of(0, 0, 0, inf)))).toEqual([inf, -inf, nan, 0]);
    expect(await list(cr.pow(of(0, 2, -2, -2, 9), of(0, -1, 3, 0.5, 0.5)))).toEqual([1, 0.5, -8, nan, 3]);
  });

  it('functions are accurate far from 0, too', async () => {
    const precision = Floats === Float32Array ? 4e-7 : 1e-14;
    const x = Array.from({ length: 400 }, (_, i) => Floats.of((i - 200) * 0.43)[0] as number);
    const close = async (name: string, f: (x: Tensor) => Tensor, exact: (x: number) => number, values = x) =>
      expectClose(name, await list(f(of(...values))), values.map(exact), {
        relative: precision,
        floor: 1e-30,
      });
    await close(
      'exp',
      cr.exp,
      Math.exp,
      x.filter((v) => Math.abs(v) < 60),
    );
    await close('tanh', cr.tanh, Math.tanh);
    await close(
      'tanh near 0',
      cr.tanh,
      Math.tanh,
      x.map((v) => Math.fround(v * 1e-4)),
    );
    await close(
      'sigmoid',
      cr.sigmoid,
      (v) => 1 / (1 + Math.exp(-v)),
      x.filter((v) => Math.abs(v) < 60),
    );
    await close(
      'log',
      cr.log,
      Math.log,
      x.filter((v) => v > 1),
    );
  });

  it('argMax and max pooling take the first of equal values', async () => {
    expect(await list(cr.argMax(of(1, 3, 3, 2)))).toEqual([1]);
    expect(await list(cr.argMax(of(...new Array<number>(70).fill(-inf))))).toEqual([0]);
    const image = of(2, 2, 2, 2).reshape([1, 2, 2, 1]);
    const [slope] = cr.grad(cr.maxPool2d(image, 2).sum(), [image]);
    expect(await list(slope as Tensor)).toEqual([1, 0, 0, 0]);
  });
});

describe('integers and bools', () => {
  const ints = (...values: number[]) => tensor(Int32Array.from(values));

  it('are exact to 32 bits', async () => {
    const large = ints(2 ** 31 - 1, -(2 ** 31), 16_777_217);
    expect(await list(large.sub(1).add(1))).toEqual([2 ** 31 - 1, -(2 ** 31), 16_777_217]);
    expect(await list(ints(46_340).mul(46_340))).toEqual([46_340 ** 2]);
    expect(
      await list(
        large
          .neg()
          .neg()
          .slice([[2]]),
      ),
    ).toEqual([16_777_217]);
    expect(await list(large.eq(ints(2 ** 31 - 2, -(2 ** 31), 16_777_216)))).toEqual([0, 1, 0]);
  });

  it('sum to int32 from bool and uint8', async () => {
    const bytes = tensor(new Uint8Array(1000).fill(255));
    expect([bytes.sum().dtype, await bytes.sum().item()]).toEqual(['int32', 255_000]);
    const odd = tensor([1, 2, 3, 4, 5]).gt(2);
    expect([odd.dtype, odd.sum().dtype, await odd.sum().item()]).toEqual(['bool', 'int32', 3]);
  });

  it('casts truncate toward zero, and any number but 0 is true', async () => {
    const x = tensor(Float64Array.of(-2.7, -0.5, 0, 0.9, 3.99));
    expect(await list(x.to('int32'))).toEqual([-2, 0, 0, 0, 3]);
    expect(await list(x.to('bool'))).toEqual([1, 1, 0, 1, 1]);
    expect(await list(tensor([0, 255, 7.9]).to('uint8'))).toEqual([0, 255, 7]);
    expect(await list(tensor([1, 0], { dtype: 'bool' }).to('float32').div(2))).toEqual([0.5, 0]);
  });

  it('oneHot marks each label, in any dtype', async () => {
    for (const dtype of ['float32', 'float64', 'int32', 'uint8', 'bool'] as const) {
      const marks = cr.oneHot(ints(2, 0), 3, dtype);
      expect([marks.dtype, await marks.toArray()]).toEqual([
        dtype,
        [
          [0, 0, 1],
          [1, 0, 0],
        ],
      ]);
    }
    expect(await cr.oneHot(tensor(Uint8Array.of(1)), 2).toArray()).toEqual([[0, 1]]);
  });
});

describe('uniform and normal', () => {
  it('are Philox of the key, the step and the place, in both dtypes', async () => {
    const [key, seed] = [77, 2 ** 33 + 5];
    const words = new Uint32Array(4);
    const word = (group: number, step: number, at: number) => {
      philox(group, 0, step, key, 5, 2, words);
      return words[at] as number;
    };
    const run = compile(() => [cr.uniform([3, 7], 'float32', key), cr.uniform([3, 7], 'float64', key)], {
      seed,
    });
    for (const step of [0, 1]) {
      const [single, double] = await Promise.all((await run()).map(list));
      const i = Array.from({ length: 21 }, (_, at) => at);
      expect(single).toEqual(i.map((g) => (word(g >> 2, step, g & 3) >>> 8) * 2 ** -24));
      const high = (g: number) => word(g >> 1, step, 2 * (g & 1)) >>> 5;
      const low = (g: number) => word(g >> 1, step, 2 * (g & 1) + 1) >>> 6;
      expect(double).toEqual(i.map((g) => (high(g) * 2 ** 26 + low(g)) * 2 ** -53));
    }
    run.release();
  });

  it('lie in [0, 1), and have the moments of their distributions', async () => {
    const run = compile(() => [cr.uniform([100_000]), cr.normal([100_000])]);
    const [flat, bell] = (await Promise.all((await run()).map(list))) as [number[], number[]];
    run.release();
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(Math.min(...flat)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...flat)).toBeLessThan(1);
    expect(Math.abs(mean(flat) - 0.5)).toBeLessThan(5 / Math.sqrt(12 * 1e5));
    expect(Math.abs(mean(bell))).toBeLessThan(5 / Math.sqrt(1e5));
    expect(Math.abs(mean(bell.map((v) => v * v)) - 1)).toBeLessThan(5 * Math.sqrt(2 / 1e5));
    expect(Math.abs(mean(bell.map((v) => v ** 4)) - 3)).toBeLessThan(5 * Math.sqrt(96 / 1e5));
  });
});
