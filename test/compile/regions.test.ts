import { grad, scan, sigmoid, stopGradient, type Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { type Lowered, lowerGraph } from '#lib/compile/compile.js';
import { operandsOf } from '#lib/compile/plan/operands.js';
import { type InputAttributes, input } from '#lib/graph/leaf.js';
import { currentRegion, inRegion, moveOut, type Region } from '#lib/graph/region.js';
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
/** The regions of what steps write in the arena. */
const regionsOf = ({ steps }: Lowered) =>
  steps.map((step) => {
    const regions = operandsOf(step).writes.flatMap(({ buffer }) =>
      buffer.kind === 'arena' ? [names.get(buffer.region)] : [],
    );
    return `${step.label}: ${regions.join(', ')}`;
  });
const lowered = (inputs: readonly Tensor[], outputs: readonly Tensor[]) =>
  regionsOf(lowerGraph({ inputs: inputs as Parameters<typeof lowerGraph>[0]['inputs'], outputs }));

const x = input('x', [4, 4]);
const w = input('w', [4, 4]);

/** What a function makes in a region, out of which its result is moved. */
function leaving(region: Region, fn: () => Tensor): Tensor {
  const value = inRegion(region, fn);
  moveOut(value, region);
  return value;
}

const stretch = () => sigmoid(x.mul(1).matmul(w)).matmul(w);

describe('the regions of nodes', () => {
  it('go with them into the steps, but for the value that leaves the region', () => {
    const found = lowered([x, w], [leaving(outer, stretch).exp().matmul(w)]);
    expect(found).toEqual(['matmul: outer', 'sigmoid: outer', 'matmul: kept', 'exp: kept', 'matmul: ']);
  });

  it('are not those of gradients', () => {
    const regions = grad(leaving(outer, stretch).sum(), [w]).map(({ region }) => region);
    expect(regions).toEqual([undefined]);
  });

  it('make no other steps', () => {
    const stepsOf = (make: () => Tensor) => {
      const output = make();
      const outputs = [output, ...grad(output.square().sum(), [x, w])];
      const { steps } = lowerGraph({ inputs: [x, w] as Tensor<InputAttributes>[], outputs });
      return JSON.stringify(steps, (key, value) => (key.startsWith('region') ? undefined : value));
    };
    expect(stepsOf(() => leaving(outer, stretch))).toBe(stepsOf(stretch));
  });

  it('are not in plans', () => {
    const plan = planOf({ inputs: [x, w] as Tensor<InputAttributes>[], outputs: [leaving(outer, stretch)] });
    expect(JSON.stringify(plan)).not.toContain('region');
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
    const out = leaving(outer, () => leaving(inner, () => x.matmul(w)));
    const within = leaving(outer, () => leaving(inner, () => x.matmul(w).exp().matmul(w)).matmul(w));
    expect(lowered([x, w], [out.matmul(w)])).toEqual(['matmul: kept', 'matmul: ']);
    expect(lowered([x, w], [within.matmul(w)])).toEqual([
      'matmul: inner',
      'exp: inner',
      'matmul: outer',
      'matmul: kept',
      'matmul: ',
    ]);
  });

  it('is kept where views are taken of it', () => {
    const view = leaving(outer, () => stopGradient(x.matmul(w)).transpose().reshape([16]));
    expect(lowered([x, w], [view.exp()])).toEqual(['matmul: kept', 'contiguous permute: kept', 'exp: ']);
  });

  it('is not what only reads it', () => {
    const value = inRegion(outer, () => x.matmul(w));
    expect(lowered([x, w], [value.transpose().matmul(w)])).toEqual(['matmul: outer', 'matmul: ']);
  });

  it('stays where it is when it comes from outside', () => {
    const value = inRegion(inner, () => x.matmul(w));
    expect(leaving(sibling, () => value).region).toBe(inner);
  });
});

describe('equal nodes', () => {
  it('are one, which is kept as long as the first', () => {
    const products = (...regions: (Region | undefined)[]) => {
      const read = regions.map((region, i) =>
        inRegion(region, () => x.matmul(w))
          .exp()
          .mul(i + 2),
      );
      return lowered([x, w], read).filter((text) => text.startsWith('matmul'));
    };
    expect(products(undefined, outer, inner)).toEqual(['matmul: kept']);
    expect(products(inner, sibling, undefined)).toEqual(['matmul: inner']);
  });
});

describe('the values of a step', () => {
  it('have regions of their own, where it computes for several', () => {
    const before = x.exp();
    const made = inRegion(outer, () => before.neg());
    const after = made.tanh();
    const outputs = [before, made, after].map((value) => value.matmul(w));
    expect(lowered([x, w], outputs)[0]).toBe('exp+neg+tanh: kept, outer, kept');
  });

  it('are copied for as long as what the copies are made for', () => {
    const copies = (fn: () => Tensor) =>
      lowered([x, w], [fn().sum()]).filter((text) => text.startsWith('contiguous'));
    const flat = () => x.exp().transpose().reshape([2, 8]).sum([1]);
    expect(copies(flat)).toEqual(['contiguous permute: kept']);
    expect(copies(() => inRegion(outer, flat))).toEqual(['contiguous permute: outer']);
    expect(copies(() => leaving(outer, flat))).toEqual(['contiguous permute: outer']);
  });
});
