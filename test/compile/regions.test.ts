import { grad, scan, sigmoid, type Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { type Lowered, lowerGraph } from '#lib/compile/compile.js';
import { identity } from '#lib/graph/ops/identity.js';
import { input } from '#lib/graph/ops/leaf.js';
import { currentRegion, inRegion, type Region } from '#lib/graph/region.js';
import { substitute } from '#lib/graph/substitute.js';
import { planOf } from '../helpers/graphs.js';

const outer: Region = { parent: undefined };
const inner: Region = { parent: outer };
const sibling: Region = { parent: outer };
const names = new Map<Region | undefined, string>([
  [undefined, 'kept'],
  [outer, 'outer'],
  [inner, 'inner'],
  [sibling, 'sibling'],
]);
const regionsOf = ({ steps }: Lowered) => steps.map(({ label, region }) => `${label}: ${names.get(region)}`);
const lowered = (inputs: readonly Tensor[], outputs: readonly Tensor[]) =>
  regionsOf(lowerGraph({ inputs: inputs as Parameters<typeof lowerGraph>[0]['inputs'], outputs }));

const x = input('x', [4, 4]);
const w = input('w', [4, 4]);

/** Two products in a region, the second of which leaves it. */
function stretch(region: Region | undefined) {
  return identity(inRegion(region, () => sigmoid(x.mul(1).matmul(w)).matmul(w)));
}

describe('the regions of nodes', () => {
  it('go with them into the steps, but for the value that leaves the region', () => {
    expect(lowered([x, w], [stretch(outer)])).toEqual(['matmul: outer', 'sigmoid: outer', 'matmul: kept']);
  });

  it('are not those of gradients', () => {
    const found = lowered([x, w], grad(stretch(outer).sum(), [w]));
    expect(found.filter((text) => text.endsWith('outer'))).toEqual(['matmul: outer', 'sigmoid: outer']);
  });

  it('leave the plan as it is without them', () => {
    const plan = (region: Region | undefined) =>
      planOf({ inputs: [x, w], outputs: [stretch(region), ...grad(stretch(region).sum(), [x, w])] });
    expect(plan(outer).steps.some((step) => 'region' in step)).toBe(false);
  });

  it('end with the function that they were given to, also where it throws', () => {
    expect(() =>
      inRegion(outer, () => {
        throw new Error('x');
      }),
    ).toThrow('x');
    expect(currentRegion()).toBeUndefined();
    expect(inRegion(outer, () => inRegion(undefined, currentRegion))).toBeUndefined();
  });

  it('stay with nodes whose inputs are replaced', () => {
    const [copy] = substitute([inRegion(inner, () => x.exp())], new Map([[x, w]]));
    expect(copy?.region).toBe(inner);
  });

  it('do not reach into the bodies of loops', () => {
    const bodies: (Region | undefined)[] = [];
    inRegion(outer, () =>
      scan(
        ([carry], _) => {
          bodies.push(currentRegion());
          return { carry: [(carry as Tensor).matmul(w)] };
        },
        { carry: [x], length: 3 },
      ),
    );
    expect(bodies).toEqual([undefined]);
  });
});

describe('a value that leaves a region', () => {
  it('is kept as far out as it goes', () => {
    const middle = identity(inRegion(outer, () => identity(inRegion(inner, () => x.matmul(w)))));
    const partly = inRegion(outer, () => identity(inRegion(inner, () => x.matmul(w).exp())).matmul(w));
    expect(lowered([x, w], [middle.add(1)])).toEqual(['matmul: kept', 'add: kept']);
    expect(lowered([x, w], [partly])).toEqual(['matmul: inner', 'exp: outer', 'matmul: outer']);
  });

  it('is kept where views are taken of it', () => {
    const view = identity(inRegion(outer, () => x.matmul(w).transpose().reshape([16])));
    expect(lowered([x, w], [view.exp()])).toEqual(['matmul: kept', 'contiguous permute: kept', 'exp: kept']);
  });

  it('is not kept for what only reads it', () => {
    const value = inRegion(outer, () => x.matmul(w));
    expect(lowered([x, w], [value.transpose().matmul(w)])).toEqual(['matmul: outer', 'matmul: kept']);
  });
});

describe('equal nodes', () => {
  const products = (...regions: (Region | undefined)[]) => {
    const read = regions.map((region, i) =>
      inRegion(region, () => x.matmul(w))
        .exp()
        .mul(i + 2),
    );
    return lowered([x, w], read).filter((text) => text.startsWith('matmul'));
  };

  it('are one where the first is kept as long as the others', () => {
    expect(products(undefined, outer, inner)).toEqual(['matmul: kept']);
    expect(products(outer, inner, sibling)).toEqual(['matmul: outer']);
  });

  it('are two where the first would have to be kept for the second', () => {
    expect(products(outer, undefined)).toEqual(['matmul: outer', 'matmul: kept']);
    expect(products(inner, sibling)).toEqual(['matmul: inner', 'matmul: sibling']);
  });
});

describe('element-wise nodes of a region', () => {
  it('join one outside of it when only that reads them', () => {
    const made = inRegion(outer, () => x.exp().neg());
    expect(lowered([x], [made.tanh()])).toEqual(['exp+neg+tanh: kept']);
    expect(lowered([x, w], [made.tanh(), made.matmul(w)])).toEqual([
      'exp+neg: outer',
      'tanh: kept',
      'matmul: kept',
    ]);
  });

  it('are not joined by one outside of it, which would have to be computed again with them', () => {
    const before = x.exp();
    const made = inRegion(outer, () => before.neg());
    expect(lowered([x, w], [made.matmul(w)])).toEqual(['exp: kept', 'neg: outer', 'matmul: kept']);
  });

  it('are reduced with others of it alone', () => {
    const sums = (a: Region | undefined, b: Region | undefined) =>
      lowered([x], [inRegion(a, () => x.sum([1])).matmul(w), inRegion(b, () => x.max([1])).matmul(w)]).filter(
        (text) => !text.startsWith('matmul'),
      );
    expect(sums(outer, outer)).toEqual(['sum+max: outer']);
    expect(sums(outer, undefined)).toEqual(['sum: outer', 'max: kept']);
  });
});
