import { compile, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { matmulSum } from '#lib/ops/primitives/matmul-sum.js';
import { addon } from '#lib/runtime/addon.js';
import { onInstructionSet } from '../on-instruction-set.js';

interface Case {
  readonly rows: readonly number[];
  readonly perRow?: number;
  readonly most: number;
  readonly m: number;
  readonly n: number;
  readonly program: readonly number[];
  readonly cuts: readonly number[];
}

interface Summed {
  readonly error: number;
  readonly cut: boolean;
  /** That of the one product of full shards, or of products that are added one after another. */
  readonly like: boolean;
}

const summed = (isa: string, cases: readonly Case[]) =>
  onInstructionSet<Summed>(isa, 'matmul-sum.mjs', cases);

const four = [0, 1, -1, 2, 3, -1, -1];

const cases: Case[] = [
  // Large enough to be added in registers, and too small for it.
  { rows: [15, 15], most: 16, m: 160, n: 120, program: [0, 1, -1], cuts: [32, 96] },
  { rows: [15, 15], most: 16, m: 40, n: 30, program: [0, 1, -1], cuts: [32] },
  { rows: [16, 16], most: 16, m: 160, n: 120, program: [0, 1, -1], cuts: [32, 96] },
  { rows: [16, 16], most: 16, m: 40, n: 30, program: [0, 1, -1], cuts: [32] },
  // Few terms, many of them, and more than one register sum has.
  { rows: [3, 3, 3, 3], most: 3, m: 130, n: 130, program: four, cuts: [64] },
  { rows: [80, 80, 80], most: 80, m: 97, n: 200, program: [0, 1, -1, 2, -1], cuts: [32, 64, 96] },
  { rows: [300, 300], most: 300, m: 70, n: 300, program: [0, 1, -1], cuts: [32] },
  // One shard; shards of different sizes, without rows, and smaller than there is room for.
  { rows: [20], most: 20, m: 150, n: 130, program: [0], cuts: [128] },
  { rows: [7, 6, 7, 6], most: 7, m: 140, n: 140, program: four, cuts: [32] },
  { rows: [0, 1, 0, 1], most: 4, m: 140, n: 140, program: four, cuts: [32] },
  { rows: [5, 5, 5, 5], most: 9, m: 140, n: 140, program: four, cuts: [96] },
  { rows: [0, 0, 0, 2], most: 2, m: 40, n: 33, program: four, cuts: [32] },
  // Several rows of factors for each row of a shard.
  { rows: [4, 2], perRow: 13, most: 4, m: 70, n: 256, program: [0, 1, -1], cuts: [32] },
  { rows: [1, 1], perRow: 150, most: 2, m: 256, n: 65, program: [0, 1, -1], cuts: [32, 224] },
];

const isas = addon().isas();

describe.each(isas)('sums of products with %s kernels', (isa) => {
  const results = summed(isa, cases);

  it.each(cases.map((given, i) => ({ i, ...given })))('of $rows rows, $m x $n', ({ i }) => {
    const { error, cut, like } = results[i] as Summed;
    expect(error).toBeLessThan(2e-6);
    expect(cut).toBe(true);
    // The bits of the BLAS depend on the number of rows.
    if (isa !== 'baseline' && isa !== 'neon') expect(like).toBe(true);
  });
});

describe('sums of products', () => {
  const ones = (shape: number[]) =>
    tensor(new Float32Array(shape.reduce((a, b) => a * b)).fill(1), { shape });

  it('of no rows at all are 0', async () => {
    const [a, b] = [ones([2, 3, 4]), ones([2, 3, 5])];
    const rows = tensor(Int32Array.of(0, 0));
    const run = compile(() => matmulSum({ a, b, rows }, { program: [0, 1, -1], perRow: 1 }));
    expect([...(await (await run()).data())]).toEqual(new Array(20).fill(0));
  });

  it.each([4, -1])('refuse %i rows where there is room for 3', async (count) => {
    const [a, b] = [ones([1, 3, 4]), ones([1, 3, 5])];
    const run = compile((rows) => matmulSum({ a, b, rows }, { program: [0], perRow: 1 }));
    await expect(run(tensor(Int32Array.of(count)))).rejects.toThrow(
      `matmulSum: index ${count} at position 0 is outside 0..3`,
    );
  });
});
