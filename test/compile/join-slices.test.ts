import { compile, grad, type Shape, type Tensor, tensor } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simplify } from '#lib/compile/rewrite/simplify.js';
import { input } from '#lib/graph/leaf.js';
import { reachable } from '#lib/graph/tensor.js';
import { kernelsOf, planOf } from '../helpers/graphs.js';
import { hashUniform } from '../helpers/random-graph/random.js';

const x = input('x', [2, 6]);
const kinds = (root: Tensor) => reachable(simplify([root])).map((node) => node.op.kind);
/** The gradient for `x` of the weighted parts from each start to each end. */
const split = (...ranges: [number, number, number?][]) => {
  const parts = ranges.map((range, i) => x.slice([[], range]).mul(i + 2));
  return grad(
    parts.map((part) => part.sum()).reduce((a, b) => a.add(b)),
    [x],
  )[0] as Tensor;
};

describe('gradients of the parts of a split', () => {
  it.each([
    [
      'in order',
      [
        [0, 1],
        [1, 4],
        [4, 6],
      ],
    ],
    [
      'in any order',
      [
        [2, 3],
        [4, 6],
        [0, 2],
        [3, 4],
      ],
    ],
    [
      'in reverse',
      [
        [4, 6],
        [1, 4],
        [0, 1],
      ],
    ],
  ] as [string, [number, number][]][])('are put behind one another, %s', (_, ranges) => {
    const found = kinds(split(...ranges));
    expect(found).not.toContain('scatterSlice');
    expect(found).not.toContain('add');
    expect(found.filter((kind) => kind === 'concat')).toHaveLength(1);
  });

  it('are put behind one another once, however many there are and in whatever order', () => {
    const long = input('long', [500, 2]);
    const order = Array.from({ length: 500 }, (_, i) => (i * 263) % 500);
    const sums = order.map((i) =>
      long
        .slice([[i, i + 1]])
        .mul(i)
        .sum(),
    );
    // From the first to the last, and as a tree.
    const inTurn = sums.reduce((a, b) => a.add(b));
    const inPairs = (all: Tensor[]): Tensor =>
      all.length === 1
        ? (all[0] as Tensor)
        : inPairs(
            all.flatMap((a, i) =>
              i % 2 === 1 ? [] : [i + 1 < all.length ? a.add(all[i + 1] as Tensor) : a],
            ),
          );
    for (const total of [inTurn, inPairs(sums)]) {
      const found = kinds(grad(total, [long])[0] as Tensor);
      expect(found).not.toContain('add');
      expect(found.filter((kind) => kind === 'concat')).toHaveLength(1);
    }
  });

  it('are joined in a sum that has several readers, and in those', () => {
    const framed = (from: number, to: number) => split([from, to]);
    const shared = framed(0, 1).add(framed(1, 2));
    const [more, other] = [shared.add(framed(2, 6)), shared.add(framed(4, 6))];
    const all = simplify([shared.exp(), more, other]);
    expect(all.map((root) => reachable([root]).filter(({ op }) => op.kind === 'concat').length)).toEqual([
      1, 1, 1,
    ]);
    expect(reachable([all[1] as Tensor]).map(({ op }) => op.kind)).not.toContain('scatterSlice');
    expect(reachable([all[2] as Tensor]).filter(({ op }) => op.kind === 'scatterSlice')).toHaveLength(2);
  });

  it('are joined where another term of the sum is no slice', () => {
    const found = kinds(
      split([0, 2], [2, 5])
        .add(x)
        .add(split([5, 6])),
    );
    expect(found.filter((kind) => kind === 'scatterSlice')).toHaveLength(2);
    expect(found.filter((kind) => kind === 'add')).toHaveLength(2);
  });

  it('keep one frame where they are a part of the whole', () => {
    const found = kinds(split([1, 2], [2, 5]));
    expect(found.filter((kind) => kind === 'scatterSlice')).toHaveLength(1);
    expect(found).not.toContain('add');
  });

  it.each([
    [
      'apart',
      [
        [0, 2],
        [3, 6],
      ],
    ],
    [
      'overlapping',
      [
        [0, 3],
        [2, 6],
      ],
    ],
    [
      'the same',
      [
        [0, 3],
        [0, 3],
      ],
    ],
    [
      'steps',
      [
        [0, 6, 2],
        [1, 6, 2],
      ],
    ],
  ] as [string, [number, number, number?][]][])('are added when they are %s', (_, ranges) => {
    expect(kinds(split(...ranges))).toContain('add');
  });

  it('are the same numbers', async () => {
    const values = tensor(Float64Array.from(hashUniform(12, 1)), { shape: [2, 6] });
    for (const ranges of [
      [
        [0, 2],
        [2, 3],
        [3, 6],
      ],
      [
        [2, 4],
        [4, 5],
      ],
      [
        [0, 4],
        [2, 6],
        [5, 6],
      ],
    ] as [number, number][][]) {
      const run = compile((y: Tensor) => {
        const parts = ranges.map((range, i) =>
          y
            .slice([[], range])
            .square()
            .mul(i + 1)
            .sum(),
        );
        return grad(
          parts.reduce((a, b) => a.add(b)),
          [y],
        );
      });
      const [slope] = await run(values);
      run.release();
      const expected = [...(await values.data())].map((value, i) =>
        ranges.reduce(
          (sum, [from, to], k) => sum + (i % 6 >= from && i % 6 < to ? 2 * (k + 1) * value : 0),
          0,
        ),
      );
      expect(
        [...((await slope?.data()) ?? [])].map((v, i) => Math.abs(v - (expected[i] as number)) < 1e-12),
      ).not.toContain(false);
    }
  });

  it('are looked through once, and so are all sums, however often one is doubled', async () => {
    const doubled = (value: Tensor) =>
      Array.from({ length: 30 }).reduce<Tensor>((sum) => sum.add(sum), value);
    const frame = grad(x.slice([[], [1, 3]]).sum(), [x])[0] as Tensor;
    expect(kinds(doubled(frame)).filter((kind) => kind === 'add')).toHaveLength(30);
    const run = compile(doubled);
    expect(await (await run([1, -2])).toArray()).toEqual([2 ** 30, -(2 ** 31)]);
  });
});

describe('reshaping a view', () => {
  const copies = (view: Tensor) => kernelsOf(planOf({ inputs: [x], outputs: [view.exp()] })).length - 1;

  it('splits its axes and drops axes of length 1 without a copy', () => {
    const columns = x.slice([[], [2, 6]]);
    expect(copies(columns.reshape([2, 2, 2]))).toBe(0);
    expect(copies(x.transpose().reshape([3, 2, 2]))).toBe(0);
    expect(copies(x.slice([[], [3, 4]]).reshape([2]))).toBe(0);
    expect(copies(x.transpose().reshape([1, 6, 1, 2]))).toBe(0);
    expect(copies(x.transpose().reshape([12]))).toBe(1);
    expect(copies(columns.reshape([8]))).toBe(1);
  });

  it('of any shape gives the elements in order', async () => {
    const size = fc.integer({ min: 1, max: 4 });
    const property = fc.asyncProperty(
      fc.tuple(size, size, size),
      fc.nat(5),
      fc.nat(3),
      async (shape, order, cut) => {
        const axes = [
          [0, 1, 2],
          [0, 2, 1],
          [1, 0, 2],
          [1, 2, 0],
          [2, 0, 1],
          [2, 1, 0],
        ][order] as [number, number, number];
        const count = shape[0] * shape[1] * shape[2];
        const whole = tensor(
          Float32Array.from({ length: count }, (_, i) => i),
          { shape },
        );
        const view = whole.permute(axes).slice([[0, 4 - cut]]);
        const wanted = flatten(await view.toArray());
        const factors = [2, 3, 4].filter((factor) => view.size % factor === 0);
        const shapes: Shape[] = [
          [view.size],
          [1, view.size, 1],
          ...factors.flatMap((f) => [
            [f, view.size / f],
            [view.size / f, f],
          ]),
        ];
        for (const to of shapes) {
          // Doubled, so that a step reads it through its strides.
          expect([...(await view.reshape(to).mul(2).data())], `${to}`).toEqual(
            wanted.map((value) => 2 * value),
          );
        }
      },
    );
    await fc.assert(property, { numRuns: 80, seed: 20264 });
  });
});

function flatten(values: unknown): number[] {
  return Array.isArray(values) ? values.flatMap(flatten) : [values as number];
}
