import { matmul } from '../../../index.js';
import type { KernelCase, Product } from '../kernel-case.js';

const ROWS = [1, 2, 3, 4, 8, 16, 17, 32, 128, 512];

/**
 * Inner and outer sizes: of the bench's models, of others with powers of two, whose rows are 8 KiB apart, and of odd
 * ones.
 */
const SIZES: readonly (readonly [depth: number, columns: number])[] = [
  [784, 512],
  [512, 256],
  [256, 10],
  [1024, 2048],
  [2048, 2048],
  [2048, 1000],
  [12544, 128],
  [400, 120],
  [128, 384],
  [128, 512],
  [512, 128],
  [128, 96],
  [256, 1024],
  [333, 777],
];

/** Sizes of which all layouts are tried. */
const EACH_LAYOUT: typeof SIZES = [
  [784, 512],
  [2048, 2048],
  [128, 512],
  [333, 777],
];

/** Rows that are the depth of a weight gradient. */
const DEPTHS = [1, 16, 32, 64, 128, 512];

type Layout = 'nn' | 'nt' | 'tn' | 'tt';

/** Products of two matrices: forward (nt), input gradient (nn), weight gradient (tn), and the rest. */
export const matmulCases: readonly KernelCase[] = distinct([
  ...SIZES.flatMap(([depth, columns]) =>
    ROWS.flatMap((rows) => [
      productCase('nt', { rows, columns, depth }),
      // The input gradient of the same layer.
      productCase('nn', { rows, columns: depth, depth: columns }),
    ]),
  ),
  ...SIZES.flatMap(([rows, columns]) => DEPTHS.map((depth) => productCase('tn', { rows, columns, depth }))),
  ...EACH_LAYOUT.flatMap(([depth, columns]) =>
    ROWS.filter((rows) => rows > 1).flatMap((rows) => [
      productCase('tn', { rows, columns, depth }),
      productCase('tt', { rows, columns, depth }),
    ]),
  ),
]);

/** The first case of each name: the sizes of some layers are those of others. */
function distinct(cases: readonly KernelCase[]): KernelCase[] {
  return [...new Map(cases.toReversed().map((one) => [one.name, one])).values()].reverse();
}

function productCase(layout: Layout, size: Pick<Product, 'rows' | 'columns' | 'depth'>): KernelCase {
  const { rows, columns, depth } = size;
  const [transposeA, transposeB] = [layout.startsWith('t'), layout.endsWith('t')];
  const shapes = [
    transposeA ? [depth, rows] : [rows, depth],
    transposeB ? [columns, depth] : [depth, columns],
  ];
  return {
    family: 'matmul',
    name: `${layout} ${rows}x${depth}x${columns}`,
    inputs: shapes.map((shape) => ({ dtype: 'float32', shape })),
    graph: (inputs) => {
      const [a, b] = inputs as [(typeof inputs)[number], (typeof inputs)[number]];
      return { outputs: [matmul(a, b, { transposeA, transposeB })] };
    },
    flops: 2 * rows * columns * depth,
    product: { ...size, transposeA, transposeB },
    peer: { op: 'matmul', shapes, transposeA, transposeB },
  };
}
