import { arange, customGradient, exp, full, ones, stopGradient, type Tensor, tensor, zeros } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { simplify } from '#lib/compile/rewrite/simplify.js';
import { input, isNumber } from '#lib/graph/leaf.js';
import { reachable } from '#lib/graph/tensor.js';
import { variable } from '../helpers/graphs.js';

const x = input('x', [2, 3, 4]);
const one = (node: Tensor) => simplify([node])[0] as Tensor;
const count = (kind: string, ...roots: Tensor[]) =>
  reachable(simplify(roots)).filter((node) => node.op.kind === kind).length;

describe('simplify', () => {
  it('leaves leaves, and graphs without anything to gain, as they are', () => {
    const leaves = [x, variable([2]), tensor([1, 2]), x.exp().sum([0, 1])];
    simplify(leaves).forEach((node, i) => {
      expect(node).toBe(leaves[i]);
    });
  });

  it('drops operands that change nothing', () => {
    for (const same of [
      x.add(0),
      zeros([4]).add(x),
      x.sub(0),
      x.mul(1),
      ones([3, 4]).mul(x),
      x.div(1),
      x.neg().neg(),
    ]) {
      expect(one(same)).toBe(x);
    }
  });

  it('keeps what changes something', () => {
    const kept = [zeros([]).sub(x), ones([]).div(x), x.mul(0), x.add(1), x.pow(1)];
    for (const node of kept) expect(one(node)).not.toBe(x);
    // 0 * x is NaN for a NaN, so it is not 0.
    expect(one(x.mul(0)).op.kind).toBe('mul');
  });

  it('takes views of a number, and products of numbers, for numbers', () => {
    const number = full([2, 3], 4)
      .transpose()
      .reshape([6])
      .mul(full([6], 0.5))
      .neg();
    expect(isNumber(one(number))).toBe(true);
    expect(one(number).attributes).toMatchObject({ shape: [6], value: -2 });
  });

  it('drops nodes that have the value of their input', () => {
    expect(one(stopGradient(x))).toBe(x);
    const fn = customGradient(exp, (gradient) => gradient);
    expect(count('customGradient', fn(x.detach()))).toBe(0);
    expect(count('exp', fn(x.detach()), x.exp())).toBe(1);
  });

  it('keeps the order of the trace, where some nodes are new and others not', () => {
    const early = x.add(0).exp();
    const late = x.sin();
    const [first, second] = simplify([early, late]) as [Tensor, Tensor];
    expect(first.id).toBeLessThan(second.id);
  });

  it('merges equal nodes, and no others', () => {
    expect(count('exp', x.exp().add(x.exp()))).toBe(1);
    expect(count('add', x.add(0.5), x.add(0.25))).toBe(2);
    expect(
      count(
        'pad',
        x.pad([
          [0, 1],
          [0, 0],
          [0, 0],
        ]),
        x.pad([
          [1, 0],
          [0, 0],
          [0, 0],
        ]),
      ),
    ).toBe(2);
    expect(count('sum', x.sum(0), x.sum(1))).toBe(2);
  });

  it('tells apart the numbers that JSON does not', () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0];
    // A maximum has no neutral operand, so all of them stay.
    expect(count('maximum', ...values.map((value) => x.maximum(full([], value))))).toBe(values.length);
    expect(count('constant', full([], 1), full([], 1, 'int32'))).toBe(2);
  });

  it('does not merge variables, inputs and arrays that happen to be alike', () => {
    expect(count('exp', variable([2]).exp(), variable([2]).exp())).toBe(2);
    expect(count('exp', input('a', [2]).exp(), input('a', [2]).exp())).toBe(2);
    expect(count('exp', arange(3).exp(), arange(3).exp())).toBe(2);
  });

  it('makes a reduction over scattered axes one for each run of neighbours', () => {
    const root = one(x.sum([0, 2]));
    expect(root.shape).toEqual([3]);
    expect(root.attributes).toEqual({ axes: [0] });
    expect(root.input(0).attributes).toEqual({ axes: [2] });
    expect(count('sum', x.sum([0, 1]))).toBe(1);
    expect(count('max', x.max([0, 2]))).toBe(2);
  });

  it('joins reshapes, and drops them where the shape comes back', () => {
    expect(count('reshape', x.reshape([6, 4]).reshape([24]))).toBe(1);
    expect(one(x.reshape([24]).reshape([2, 3, 4]))).toBe(x);
  });

  it('puts every node behind its inputs', () => {
    const nodes = reachable(
      simplify([
        x
          .mul(1)
          .exp()
          .sum([0, 2])
          .add(x.mul(1).exp().sum([0, 2])),
      ]),
    );
    nodes.forEach((node, i) => {
      for (const before of node.inputs) expect(nodes.indexOf(before)).toBeLessThan(i);
    });
  });
});
