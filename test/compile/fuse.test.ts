import { add, mul, type Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { input } from '#lib/graph/leaf.js';
import { kernelsOf, planOf } from '../helpers/graphs.js';

const x = input('x', [4, 6]);
const y = input('y', [4, 6]);
const row = input('row', [6]);
const kernels = (...outputs: Tensor[]) => kernelsOf(planOf({ inputs: [x, y, row], outputs }));

describe('fusion', () => {
  it('makes a chain of element-wise ops one step', () => {
    expect(kernels(x.exp().add(1).log().tanh())).toEqual(['map exp+add+log+tanh']);
  });

  it('computes the operand of a reduction inside of it', () => {
    expect(kernels(x.square().exp().sum(1))).toEqual(['reduce mul+exp+sum']);
    expect(kernels(x.abs().max(0))).toEqual(['reduce abs+max']);
  });

  it('computes reductions of the same values in one step', () => {
    expect(kernels(x.sum(1), x.square().max(1))).toEqual(['reduce sum+mul+max']);
    // The second reads what the first one stores otherwise.
    const y = x.exp();
    expect(kernels(y.sum(0), y.mul(x).sum(0), y.log().min(0))).toEqual(['reduce exp+sum+mul+sum+log+min']);
  });

  it('does not join reductions over other dimensions, of other values or in another type', () => {
    expect(kernels(x.sum(1), x.sum(0))).toEqual(['reduce sum', 'reduce sum']);
    expect(kernels(x.sum(0), y.sum(0))).toEqual(['reduce sum', 'reduce sum']);
    expect(kernels(x.add(row).sum(0), y.add(row).sum(0))).toHaveLength(2);
    expect(kernels(x.sum(0), x.to('float64').sum(0))).toHaveLength(2);
  });

  it('does not join a reduction with one that it needs itself', () => {
    const centred = x.sub(x.mean(1, { keepDims: true }));
    expect(kernels(centred.square().sum(1))).toEqual(['reduce sum', 'map mul', 'reduce sub+mul+sum']);
    // By way of a product, and of another step that reads what is stored.
    const z = x.exp();
    const product = z.transpose().matmul(x).sum();
    expect(kernels(z.sum(1), z.mul(product).sum(1)).filter((kernel) => kernel !== 'matmul')).toHaveLength(3);
  });

  it('cuts joined reductions that no longer fit the registers', () => {
    const power = (n: number) =>
      Array.from({ length: 20 }).reduce((y: Tensor) => y.mul(n).add(x), x as Tensor);
    expect(kernels(power(2).sum(1), power(3).sum(1))).toHaveLength(2);
  });

  it('stores in passing what others read too', () => {
    const y = x.exp();
    expect(kernels(y, y.log())).toEqual(['map exp+log']);
    expect(kernels(y.sum(1), y.transpose().matmul(x))).toEqual(['reduce exp+sum', 'matmul']);
  });

  it('does not join over another shape', () => {
    expect(kernels(x.sum(1, { keepDims: true }).exp().add(x))).toEqual(['reduce sum', 'map exp', 'map add']);
  });

  it('does not join over a reduction that it needs itself', () => {
    const y = x.exp();
    // The division reads exp(x) and, through the sum, depends on it.
    expect(kernels(y.div(y.sum(1, { keepDims: true })))).toEqual(['reduce exp+sum', 'map div']);
  });

  it('does not join what is computed in another type', () => {
    expect(kernels(x.to('float64').exp().to('float32').add(x))).toEqual(['map cast+exp', 'map cast+add']);
    expect(kernels(x.to('int32').add(1).to('float32'))).toEqual(['map cast+add', 'map cast']);
  });

  it('leaves comparisons and masks in the type of what they compare', () => {
    expect(kernels(x.gt(0).to('float32').mul(x))).toEqual(['map gt+cast+mul']);
  });

  it('cuts programs that no longer fit the registers', () => {
    let long: Tensor = x;
    for (let i = 0; i < 100; i++) long = add(mul(long, x), x);
    const steps = kernels(long);
    expect(steps).toHaveLength(5);
    expect(Math.max(...steps.map((label) => label.split('+').length))).toBeLessThanOrEqual(48);
  });
});
