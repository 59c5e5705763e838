import * as cr from 'chainrule';
import { compile, grad, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { checkOp } from '../helpers/check-op.js';
import { expectClose } from '../helpers/close.js';

const doubles = (...values: number[]): Tensor => tensor(Float64Array.from(values));
const list = async (x: Tensor | undefined): Promise<number[]> => [...(await (x as Tensor).data())];

describe('grad', () => {
  it('adds up what flows back over several paths', async () => {
    const x = doubles(1, 2, 3);
    const [slope] = grad(x.mul(x).add(x).add(x.mul(x)).sum(), [x]);
    expect(await list(slope)).toEqual([5, 9, 13]);
  });

  it('follows the chain rule through a node that is itself asked for', async () => {
    const x = doubles(0.5, 2);
    const y = x.square();
    const [toX, toY] = grad(y.mul(y).sum(), [x, y]);
    expect(await list(toY)).toEqual([0.5, 8]);
    expect(await list(toX)).toEqual([0.5, 32]);
  });

  it('gives 1 for the loss itself', async () => {
    const x = doubles(4);
    expect(await list(grad(x, [x])[0])).toEqual([1]);
  });

  it('gives zeros of the right shape and dtype for what the loss does not depend on', async () => {
    const other = cr.ones([2, 3], 'float32');
    const [slope] = grad(doubles(1).sum(), [other]);
    expect([slope?.shape, slope?.dtype]).toEqual([[2, 3], 'float32']);
    expect(await list(slope)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('takes the same tensor twice, and a loss of shape [1, 1]', async () => {
    const x = doubles(3);
    const slopes = grad(x.square().reshape([1, 1]), [x, x]);
    expect(await Promise.all(slopes.map(list))).toEqual([[6], [6]]);
  });

  it('stops at stopGradient, at comparisons and at integers', async () => {
    const x = doubles(1.5, -2);
    const stopped = x.mul(cr.stopGradient(x)).sum();
    expect(await list(grad(stopped, [x])[0])).toEqual([1.5, -2]);
    expect(await list(grad(x.gt(0).to('float64').sum(), [x])[0])).toEqual([0, 0]);
    expect(await list(grad(x.to('int32').to('float64').mul(x).sum(), [x])[0])).toEqual([1, -2]);
  });

  it('passes through a cast between the float dtypes, in the dtype of each side', async () => {
    const x = doubles(1, 2);
    const [slope] = grad(x.to('float32').square().sum(), [x]);
    expect(slope?.dtype).toBe('float64');
    expect(await list(slope)).toEqual([2, 4]);
  });

  it('differentiates as often as asked', async () => {
    let value: Tensor = doubles(0.7);
    const x = value;
    value = cr.sin(x);
    const found: number[] = [];
    for (let order = 1; order <= 6; order++) {
      [value] = grad(value, [x]) as [Tensor];
      found.push(...(await list(value)));
    }
    const [s, c] = [Math.sin(0.7), Math.cos(0.7)];
    expectClose('the derivatives of the sine', found, [c, -s, -c, s, c, -s], { relative: 1e-14 });
  });

  it('is exact at kinks, as documented', async () => {
    const zero = doubles(0);
    const at0 = async (f: (x: Tensor) => Tensor) => list(grad(f(zero).sum(), [zero])[0]);
    expect(await at0(cr.relu)).toEqual([0]);
    expect(await at0(cr.abs)).toEqual([0]);
    expect(await at0(cr.sign)).toEqual([0]);
    expect(await at0((x) => cr.leakyRelu(x, 0.2))).toEqual([0.2]);
  });

  it('shares the gradient of equal operands of maximum and minimum by halves', async () => {
    const [a, b] = [doubles(1, 2, 3), doubles(1, 3, 2)];
    const slopes = async (f: typeof cr.maximum) => Promise.all(grad(f(a, b).sum(), [a, b]).map(list));
    expect(await slopes(cr.maximum)).toEqual([
      [0.5, 0, 1],
      [0.5, 1, 0],
    ]);
    expect(await slopes(cr.minimum)).toEqual([
      [0.5, 1, 0],
      [0.5, 0, 1],
    ]);
  });

  it('gives a power of zero its limits instead of NaN', async () => {
    const [base, exponent] = [doubles(0, 0, 0), doubles(1, 2, 0)];
    const slopes = await Promise.all(grad(base.pow(exponent).sum(), [base, exponent]).map(list));
    expect(slopes).toEqual([
      [1, 0, 0],
      [0, 0, 0],
    ]);
  });

  it('differentiates a compiled function with respect to its arguments', async () => {
    const slope = compile((x: Tensor) => grad(x.mul(x).mul(x).sum(), [x]));
    expect(await list((await slope(doubles(2, 3)))[0])).toEqual([12, 27]);
    slope.release();
  });
});

describe('composites', () => {
  const wide = { shape: [3, 5], low: -4, high: 4 };
  const cases: [string, (x: Tensor) => Tensor][] = [
    ['mean', (x) => x.mean()],
    ['mean over an axis', (x) => x.mean(0)],
    ['logSoftmax', (x) => x.logSoftmax()],
    ['softmax over the first axis', (x) => x.softmax(0)],
    ['logSumExp', (x) => x.logSumExp()],
    ['cross-entropy', (x) => cr.nn.crossEntropy(x, tensor(Int32Array.of(4, 0, 2)))],
    ['squared error', (x) => cr.nn.mseLoss(x, cr.full([3, 5], 0.5, 'float64'))],
    [
      'a chain of views',
      (x) =>
        x
          .transpose()
          .slice([[1, 4]])
          .reshape([-1])
          .pad([[1, 2]])
          .reshape([2, 6])
          .permute([1, 0]),
    ],
    ['a view that is read twice', (x) => x.slice([[0, 2]]).mul(x.slice([[1, 3]]))],
    [
      'a normalisation',
      (x) => x.sub(x.mean(1, { keepDims: true })).div(x.square().mean(1, { keepDims: true }).add(1).sqrt()),
    ],
  ];
  it.each(cases)('%s has the gradients of its definition', async (name, fn) => {
    await checkOp(name, fn as (...xs: Tensor[]) => Tensor, [wide]);
  });

  it('a small convolutional network has the gradients of its definition', async () => {
    const network = (...[x, kernel, weight]: Tensor[]) =>
      cr
        .avgPool2d(cr.conv2d(x as Tensor, kernel as Tensor, { padding: 1 }).tanh(), 2)
        .flatten(1)
        .matmul(weight as Tensor)
        .logSoftmax();
    await checkOp('network', network, [
      [2, 4, 4, 2],
      [3, 3, 2, 3],
      [12, 4],
    ]);
  });
});
