import { assign, compile, dropout, ones, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { valuesOf, variable } from '../helpers/graphs.js';

const numbers = async (x: Tensor) => Array.from(await x.data());

describe('a compiled function', () => {
  it('gives results in the structure that the function returns', async () => {
    const one = compile((x: Tensor) => x.add(1));
    const several = compile((x: Tensor) => [x.add(1), [x.mul(2)]] as const);
    const named = compile((x: Tensor) => ({ sum: x.sum(), deep: { twice: [x, x.neg()] }, none: undefined }));
    const nothing = compile((_x: Tensor) => undefined);
    expect(await numbers(await one([1, 2]))).toEqual([2, 3]);
    const [first, [second]] = await several([1, 2]);
    expect([await numbers(first), await numbers(second)]).toEqual([
      [2, 3],
      [2, 4],
    ]);
    const result = await named([1, 2]);
    expect(await result.sum.item()).toBe(3);
    expect(await Promise.all(result.deep.twice.map(numbers))).toEqual([
      [1, 2],
      [-1, -2],
    ]);
    expect(result).toHaveProperty('none', undefined);
    expect(await nothing([1])).toBeUndefined();
  });

  it('takes tensors, numbers, nested and typed arrays, variables, and values yet to be computed', async () => {
    const fn = compile((x: Tensor) => x.mul(2));
    const results = [
      [tensor([1, 2]), [2, 4], 'float32'],
      [3, [6], 'float32'],
      [[[1], [2]], [2, 4], 'float32'],
      [Float64Array.of(0.1), [0.2], 'float64'],
      [Int32Array.of(4), [8], 'int32'],
      [variable([2]), [2, 4], 'float32'],
      [tensor([1, 2]).exp().log().mul(0).add(5), [10, 10], 'float32'],
      [ones([2]), [2, 2], 'float32'],
    ] as const;
    for (const [argument, expected, dtype] of results) {
      const result = await fn(argument);
      expect(result.dtype).toBe(dtype);
      expect(await numbers(result)).toEqual(expected);
    }
  });

  it('is traced once for each combination of shapes and dtypes', async () => {
    let traces = 0;
    const fn = compile((x: Tensor, y: Tensor) => {
      traces++;
      return x.sum().add(y.sum());
    });
    await fn([1, 2], [3]);
    await fn([5, 6], [7]);
    expect(traces).toBe(1);
    await fn([1], [2, 3]);
    await fn([[1, 2]], [3]);
    await fn(Float64Array.of(1, 2), Float64Array.of(3));
    expect(traces).toBe(4);
    expect(await (await fn([10, 20], [30])).item()).toBe(60);
    expect(traces).toBe(4);
  });

  it('runs calls one after the other, in order', async () => {
    const counter = variable([], [0]);
    const fn = compile((x: Tensor) => {
      assign(counter, counter.add(1));
      return counter.mul(10).add(x.sum());
    });
    const results = await Promise.all([fn([1]), fn([1, 1]), fn([3]), fn([2, 2])]);
    expect(await Promise.all(results.map((result) => result.item()))).toEqual([1, 12, 23, 34]);
    expect(valuesOf(counter)).toEqual([4]);
  });

  it('takes arrays as they are when it is called', async () => {
    const fn = compile((x: Tensor) => x.add(0.5));
    const batch = Float32Array.of(1);
    const first = fn(batch);
    batch[0] = 2;
    const second = fn(batch);
    batch[0] = 3;
    expect(await numbers(await first)).toEqual([1.5]);
    expect(await numbers(await second)).toEqual([2.5]);
  });

  it('goes on after a call that failed', async () => {
    const fn = compile((x: Tensor) => x.reshape([2, 2]).sum());
    const calls = [fn([1, 2, 3, 4]), fn([1, 2, 3]), fn([5, 6, 7, 8])];
    const results = await Promise.allSettled(calls);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await (await calls[2])?.item()).toBe(26);
  });

  it('gives results that later calls leave alone', async () => {
    const fn = compile((x: Tensor) => x.matmul(x));
    const first = await fn([[2]]);
    await fn([[3]]);
    expect(await numbers(first)).toEqual([4]);
  });

  it('can be released, while it runs too, and works on', async () => {
    const fn = compile((x: Tensor) => x.matmul(x).matmul(x));
    const before = fn([[2]]);
    fn.release();
    const after = fn([[3]]);
    fn.release();
    expect(await numbers(await before)).toEqual([8]);
    expect(await numbers(await after)).toEqual([27]);
    fn.release();
    expect(await numbers(await fn([[4]]))).toEqual([64]);
  });

  it('draws other random numbers at each call, and the same for the same seed', async () => {
    const drop = (seed?: number) => {
      const fn = compile((x: Tensor) => dropout(x), seed === undefined ? {} : { seed });
      return async () => (await numbers(await fn(ones([64])))).join();
    };
    const [a, b, c] = [drop(1), drop(1), drop(2)];
    const [first, second] = [await a(), await a()];
    expect(first).not.toBe(second);
    expect([await b(), await b()]).toEqual([first, second]);
    expect(await c()).not.toBe(first);
    expect(await drop()()).toBe(await drop(0)());
  });
});
