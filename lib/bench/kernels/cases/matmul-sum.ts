import { full } from '../../../graph/leaf.js';
import type { Tensor } from '../../../index.js';
import { matmulSum } from '../../../ops/primitives/matmul-sum.js';
import { sumOfShards } from '../../../parallel/protocol/reduction-tree.js';
import type { KernelCase } from '../kernel-case.js';
import { by, floats } from './build.js';

/** Some rows of a weight, and the batch whose shards leave factors of its gradient, as an update computes it. */
const SIZES: readonly (readonly [rows: number, columns: number, batch: number])[] = [
  [128, 2048, 256],
  [256, 784, 128],
  [32, 512, 128],
];

const SHARDS = [1, 2, 4, 16];

/** The gradients of weights from their factors. */
export const matmulSumCases: readonly KernelCase[] = SIZES.flatMap(([rows, columns, batch]) =>
  SHARDS.map((shards): KernelCase => {
    const depth = batch / shards;
    const attributes = { program: [...sumOfShards(shards)], perRow: 1 };
    return {
      family: 'matmul-sum',
      name: `${by(rows, columns)} of ${shards} x ${depth}`,
      inputs: [floats(shards, depth, rows), floats(shards, depth, columns)],
      flops: 2 * rows * columns * batch,
      graph: ([a, b]) => [
        matmulSum({ a: a as Tensor, b: b as Tensor, rows: full([shards], depth, 'int32') }, attributes),
      ],
      peer: {
        op: 'matmul',
        inputs: [floats(batch, rows), floats(batch, columns)],
        options: { transposeA: true, transposeB: false },
      },
    };
  }),
);
