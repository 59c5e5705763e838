import {
  add,
  arange,
  checkpoint,
  compile,
  concat,
  grad,
  jvp,
  mul,
  ones,
  permute,
  reshape,
  scan,
  sum,
  type Tensor,
  tanh,
  tensor,
  unstack,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import { input } from '#lib/graph/leaf.js';
import { reachable } from '#lib/graph/tensor.js';
import { assign } from '#lib/graph/trace.js';
import { planOf, valuesOf, variable } from '../helpers/graphs.js';
import { LONG } from '../helpers/long.js';

const times = (count: number, stage: (x: Tensor, i: number) => Tensor, x: Tensor): Tensor => {
  let y = x;
  for (let i = 0; i < count; i++) y = stage(y, i);
  return y;
};
/** A depth or a width, of which the sample has half, still more than a stack has frames for. */
const much = (count: number) => (LONG ? count : count / 2);
const half = (x: Tensor) => mul(x, 0.5);
const turned = (x: Tensor) => reshape(permute(x, [1, 0]), [2, 3]);
const values = async (x: Tensor) => Array.from(await x.data());

describe('a graph that is deeper than any stack', () => {
  it('of views', async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    // Five turns give the elements in order again.
    const nested = times(much(8000), turned, x);
    expect(await values(nested)).toEqual([1, 2, 3, 4, 5, 6]);
    const [a, b] = [variable([2, 3]), variable([2, 3])];
    await compile(() => {
      assign(a, times(6000, turned, b));
      assign(b, times(6001, turned, a));
      return times(6000, turned, a);
    })();
    expect(valuesOf(a)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(valuesOf(b)).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it('of element-wise ops, with gradients of both modes', async () => {
    const x = tensor([2 ** 40]);
    expect(await values(times(much(10_000), (y) => mul(mul(y, 0.5), 2), x))).toEqual([2 ** 40]);
    const steps = (y: Tensor) => times(2500, (z) => mul(mul(z, 0.5), 2), y);
    expect(await values(grad(sum(steps(x)), [x])[0] as Tensor)).toEqual([1]);
    expect(await values(jvp(steps, [x], [tensor([3])]).tangent)).toEqual([3]);
  });

  it('in a checkpoint', async () => {
    const x = ones([1]);
    const y = checkpoint((z: Tensor) =>
      times(much(5000), (h, i) => half(mul(add(h, h), i % 7 === 0 ? 1 : h)), z),
    )(x);
    const plain = times(much(5000), (h, i) => half(mul(add(h, h), i % 7 === 0 ? 1 : h)), x);
    expect(await values(grad(sum(y), [x])[0] as Tensor)).toEqual(
      await values(grad(sum(plain), [x])[0] as Tensor),
    );
    // A result that is a view of a view.
    const viewed = checkpoint((z: Tensor) => times(much(8000), turned, z))(ones([2, 3]));
    expect(await values(grad(sum(viewed), [viewed])[0] as Tensor)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('in a loop that uses a weight again and again', async () => {
    const w = tensor([2 ** -10]);
    const { carry } = scan(([h]) => ({ carry: [times(4000, (y) => add(y, w), h as Tensor)] }), {
      carry: [ones([1])],
      length: 3,
    });
    const [slope] = grad(sum(carry[0] as Tensor), [w]);
    expect(await values(slope as Tensor)).toEqual([12_000]);
  });
});

describe('a graph that is wider than any list of arguments', () => {
  it('joins more parts', () => {
    const part = ones([1]);
    const all = concat(new Array<Tensor>(200_000).fill(part));
    expect(reachable([all])).toEqual([part, all]);
  });

  it('adds the gradients of its parts', async () => {
    const x = reshape(arange(3 * much(5000)), [much(5000), 3]);
    const total = unstack(x).reduce((a, b) => add(a, tanh(b)));
    const slope = await values(grad(sum(total), [x])[0] as Tensor);
    expect(slope.slice(0, 4)).toEqual([1, 1, 1, expect.closeTo(0.00986, 4)]);
  });

  it('has many outputs, inputs and assignments', () => {
    const inputs = Array.from({ length: 5000 }, (_, i) => input(`x${i}`, [1]));
    const variables = inputs.map(() => variable([1]));
    const next = new Map(variables.map((v, i) => [v, add(v, inputs[i] as Tensor)]));
    const plan = planOf({ inputs, outputs: inputs.map((x) => mul(x, 2)), assignments: next });
    // All of them in place, and without a copy.
    expect(plan.steps).toHaveLength(10_000);
    expect(plan.arenaBytes).toBe(0);
  });

  it('assigns variables to one another around a ring', async () => {
    const ring = Array.from({ length: 3000 }, (_, i) => variable([1], [i]));
    await compile(() => {
      ring.forEach((v, i) => {
        assign(v, add(ring[(i + 1) % ring.length] as Tensor, 0.5));
      });
      return undefined;
    })();
    expect(ring.map((v) => valuesOf(v)[0])).toEqual(ring.map((_, i) => ((i + 1) % ring.length) + 0.5));
  });
});
