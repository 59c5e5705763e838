import { matmul, type Tensor } from '../../../index.js';
import type { KernelCase, Product } from '../kernel-case.js';
import { by, floats, functionCase } from './build.js';

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
  const options = { transposeA: layout.startsWith('t'), transposeB: layout.endsWith('t') };
  return {
    ...functionCase({
      family: 'matmul',
      name: `${layout} ${by(rows, depth, columns)}`,
      inputs: [
        floats(...stored([rows, depth], options.transposeA)),
        floats(...stored([depth, columns], options.transposeB)),
      ],
      fn: (a, b) => matmul(a as Tensor, b as Tensor, options),
      flops: 2 * rows * columns * depth,
      peer: { op: 'matmul', options },
    }),
    product: { ...size, ...options },
  };
}

/** The shape in which a matrix is stored. */
function stored([rows, columns]: readonly [number, number], transposed: boolean): readonly number[] {
  return transposed ? [columns, rows] : [rows, columns];
}

/** Products in batches, as those of attention, and of many small matrices. */
const BATCHED: readonly (readonly [batch: number, rows: number, depth: number, columns: number])[] = [
  [64, 64, 32, 64],
  [64, 64, 64, 32],
  [16, 128, 64, 128],
  [8, 512, 64, 512],
  [256, 16, 16, 16],
  [1024, 4, 8, 4],
];

/** Products of batches of matrices in all layouts but tt. */
export const batchedCases: readonly KernelCase[] = BATCHED.flatMap(([batch, rows, depth, columns]) =>
  (['nn', 'nt', 'tn'] as const).map((layout) => {
    const options = { transposeA: layout === 'tn', transposeB: layout === 'nt' };
    return functionCase({
      family: 'batched-matmul',
      name: `${layout} ${batch} of ${by(rows, depth, columns)}`,
      inputs: [
        floats(batch, ...stored([rows, depth], options.transposeA)),
        floats(batch, ...stored([depth, columns], options.transposeB)),
      ],
      fn: (a, b) => matmul(a as Tensor, b as Tensor, options),
      flops: 2 * batch * rows * columns * depth,
      peer: { op: 'matmul', options },
    });
  }),
);
