import { arange, ones, type Tensor, tensor, uniform, Variable } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { hoist } from '#lib/compile/rewrite/hoist.js';
import { hostScalar, input } from '#lib/graph/leaf.js';
import { Storage } from '#lib/graph/storage.js';
import { variable } from '../helpers/graphs.js';

const x = input('x', [4, 8]);

/** The nodes that are taken out of the graph of some roots. */
function taken(...roots: Tensor[]): Tensor[] {
  const { leaves } = hoist(roots, ({ shape, dtype }) => new Variable(new Storage(shape, dtype)));
  return [...leaves.keys()];
}

describe('hoist', () => {
  it('takes out what depends on variables and constants alone, as late as possible', () => {
    const [weight, scale] = [variable([8, 3]), variable([3])];
    const scaled = weight.mul(scale.exp());
    expect(taken(x.matmul(scaled))).toEqual([scaled]);
    const both = x.matmul(scaled).add(scale);
    expect(taken(both, scale.sum())).toHaveLength(3);
  });

  it('takes out a variable that is read as it is, and roots that depend on no input', () => {
    const weight = variable([8, 3]);
    const total = weight.sum();
    expect(taken(x.matmul(weight), total, weight)).toEqual([weight, total]);
  });

  it('leaves what differs between runs: inputs, random numbers, and numbers of the host', () => {
    const weight = variable([4, 8]);
    const rate = hostScalar('rate', () => 1);
    for (const changing of [x, uniform([4, 8]), rate.cast('float32')]) {
      expect(taken(changing.mul(weight))).toEqual([weight]);
    }
  });

  it('leaves constants', () => {
    expect(taken(x.add(tensor([1, 2, 3, 4, 5, 6, 7, 8])).mul(2), ones([3]))).toEqual([]);
    const exponents = arange(8).exp();
    expect(taken(x.add(exponents))).toEqual([exponents]);
  });

  it('takes out values before they are expanded, and none that is cheap and larger than what it is made of', () => {
    const [rows, columns] = [variable([4, 1]), variable([1, 8])];
    expect(taken(x.add(rows))).toEqual([rows]);
    expect(taken(x.add(rows.add(columns)))).toEqual([rows, columns]);
    expect(taken(x.add(rows.add(columns).exp()))).toEqual([rows, columns]);
    // A product is not cheap, and a sum is small again.
    const product = rows.matmul(columns);
    const reduced = rows.add(columns).exp().sum();
    expect(taken(x.add(product), x.add(reduced))).toEqual([product, reduced]);
  });

  it('takes out copies of views, unless their elements keep their order', () => {
    const weight = variable([3, 8]);
    const turned = weight.transpose();
    expect(taken(x.matmul(turned))).toEqual([turned]);
    expect(taken(x.matmul(weight.reshape([8, 3])))).toEqual([weight]);
  });
});
