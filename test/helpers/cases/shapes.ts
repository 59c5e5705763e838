import * as cr from 'chainrule';
import type { Tensor } from '#lib/graph/tensor.js';
import { matmulSum } from '#lib/ops/primitives/matmul-sum.js';
import { sumOfShards } from '#lib/parallel/protocol/reduction-tree.js';
import type { Fn } from '../check-op.js';
import { at, build, matmulPlain, reducePlain, total, transposePlain } from '../naive/naive.js';
import type { OpCase, OpCases } from './elementwise.js';

const on = (f: (x: Tensor) => Tensor): Fn => f as Fn;

function reductions(fn: typeof cr.sum, f: (values: number[]) => number, empty: boolean): OpCase[] {
  const cases: [cr.Shape, number[]][] = [
    [[7], [0]],
    [[1], [0]],
    [[3, 5], [0]],
    [[3, 5], [1]],
    [
      [3, 5],
      [0, 1],
    ],
    [[2, 3, 4], [1]],
    [
      [2, 3, 4],
      [0, 2],
    ],
    [
      [2, 1, 3, 5],
      [1, 3],
    ],
    [
      [2, 3, 2, 3],
      [0, 2],
    ],
    [[3, 41], [1]],
    [[41, 3], [0]],
    [[0, 3], [1]],
  ];
  if (empty) cases.push([[0, 3], [0]], [[0], [0]]);
  return cases.flatMap(([shape, axes]): OpCase[] => [
    { fn: on((x) => fn(x, axes)), inputs: [shape], options: { reference: (x) => reducePlain(x, axes, f) } },
    {
      fn: on((x) =>
        fn(
          x,
          axes.map((axis) => axis - shape.length),
          { keepDims: true },
        ),
      ),
      inputs: [shape],
      options: {
        reference: (x) => ({
          shape: shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
          data: reducePlain(x, axes, f).data,
        }),
      },
    },
    // With arithmetic before it, which the compiler fuses into the reduction.
    {
      fn: on((x) => fn(cr.mul(x, x).sub(x), axes)),
      inputs: [{ shape, low: 0.6, high: 3 }],
      options: {
        reference: (x) => reducePlain({ shape: x.shape, data: x.data.map((v) => v * v - v) }, axes, f),
      },
    },
  ]);
}

const matrices: [cr.Shape, cr.Shape][] = [
  [
    [3, 5],
    [5, 4],
  ],
  [
    [1, 1],
    [1, 1],
  ],
  [
    [1, 7],
    [7, 1],
  ],
  [
    [7, 1],
    [1, 3],
  ],
  [
    [9, 17],
    [17, 2],
  ],
  [
    [2, 3, 4],
    [2, 4, 5],
  ],
  [
    [2, 3, 4],
    [4, 2],
  ],
  [
    [3, 4],
    [2, 4, 3],
  ],
  [
    [2, 1, 3, 2],
    [3, 2, 4],
  ],
  [
    [0, 3],
    [3, 2],
  ],
  [
    [2, 0],
    [0, 3],
  ],
];
const swapped = (shape: cr.Shape): cr.Shape => [...shape.slice(0, -2), ...shape.slice(-2).reverse()];

const products = [false, true].flatMap((transposeA) =>
  [false, true].flatMap((transposeB) =>
    matrices.map(
      ([a, b]): OpCase => ({
        fn: (x, y) => cr.matmul(x as Tensor, y as Tensor, { transposeA, transposeB }),
        inputs: [transposeA ? swapped(a) : a, transposeB ? swapped(b) : b],
        options: {
          reference: (x, y) =>
            matmulPlain(transposeA ? transposePlain(x) : x, transposeB ? transposePlain(y) : y),
        },
      }),
    ),
  ),
);

/** The shards' rows, those of factors for each of them, and the sizes of the weight. */
const sums: readonly (readonly [rows: number[], perRow: number, m: number, n: number])[] = [
  [[3], 1, 4, 5],
  [[2, 3], 1, 17, 3],
  [[2, 0, 1], 2, 5, 18],
  [[1, 1, 1], 1, 1, 1],
];

const sumsOfProducts = sums.map(([rows, perRow, m, n]): OpCase => {
  const k = 3 * perRow;
  const counts = cr.tensor(Int32Array.from(rows));
  const program = [...sumOfShards(rows.length)];
  return {
    fn: (a, b) => matmulSum({ a: a as cr.Tensor, b: b as cr.Tensor, rows: counts }, { program, perRow }),
    inputs: [
      [rows.length, k, m],
      [rows.length, k, n],
    ],
    options: {
      gradient: false,
      reference: (a, b) =>
        build([m, n], ([i = 0, j = 0]) =>
          rows.reduce((sum, count, shard) => {
            for (let t = 0; t < count * perRow; t++) sum += at(a, [shard, t, i]) * at(b, [shard, t, j]);
            return sum;
          }, 0),
        ),
    },
  };
});

export const shapeCases: OpCases = {
  sum: reductions(cr.sum, total, true),
  max: reductions(cr.max, (values) => Math.max(...values), false),
  min: reductions(cr.min, (values) => Math.min(...values), false),
  matmul: products,
  matmulSum: sumsOfProducts,
};
