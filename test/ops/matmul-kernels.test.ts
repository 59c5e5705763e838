import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compile, matmul, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { addon } from '#lib/runtime/addon.js';
import { hashIntegers, hashUniform } from '../helpers/random-graph/random.js';

interface Product {
  readonly batch?: readonly number[];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly shared?: boolean;
  readonly heads?: boolean;
}

/** The products on one instruction set: each one's error and a hash of its bits. */
function multiplied(isa: string, products: readonly Product[]): { error: number; hash: string }[] {
  const script = fileURLToPath(new URL('../helpers/programs/products.mjs', import.meta.url));
  const env = { ...process.env, CHAINRULE_ISA: isa };
  const output = execFileSync(process.execPath, [script, JSON.stringify(products)], {
    env,
    encoding: 'utf8',
  });
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const turns = [
  {},
  { transposeA: true },
  { transposeB: true },
  { transposeA: true, transposeB: true },
] as const;
const turned = (sizes: readonly (readonly [number, number, number])[]): Product[] =>
  sizes.flatMap(([m, n, k]) => turns.map((turn) => ({ m, n, k, ...turn })));

const sizeAt = (seed: number, most: number) => 1 + ((hashIntegers(1, most, seed)[0] as number) % most);
const random = Array.from(
  { length: 30 },
  (_, i) => [sizeAt(3 * i, 140), sizeAt(3 * i + 1, 140), sizeAt(3 * i + 2, 600)] as const,
);
// Around the vectors, the panels, the rows that are taken at a time, and the terms of one sum.
const edges = [
  [16, 16, 16],
  [17, 63, 31],
  [64, 15, 600],
  [47, 64, 255],
  [48, 65, 256],
  [49, 112, 257],
  [128, 200, 512],
  [129, 130, 513],
  [140, 300, 1025],
  [300, 140, 1100],
  [30, 70, 2050],
  [1030, 49, 300],
  [520, 1030, 40],
] as const;
const thin = [
  [1, 40, 300],
  [40, 1, 300],
  [2, 40, 300],
  [40, 3, 20],
  [1, 1, 1],
  [3, 4, 0],
  [20, 30, 1],
] as const;
const batches: Product[] = turns.flatMap((turn) => [
  { batch: [3], m: 64, n: 32, k: 64, ...turn },
  { batch: [2, 3], m: 64, n: 64, k: 32, heads: true, ...turn },
  { batch: [2, 4], m: 70, n: 48, k: 330, heads: true, ...turn },
  { batch: [3], m: 40, n: 48, k: 600, shared: true, ...turn },
]);

describe('products of matrices', () => {
  const products = [...turned([...random, ...edges, ...thin]), ...batches];

  it.each(addon().isas())('are those of the definition, to float32 precision, on %s', (isa) => {
    const results = multiplied(isa, products);
    // A term more or less would be hundreds.
    const wrong = products.flatMap((product, i) => {
      const error = results[i]?.error ?? Number.NaN;
      return error <= 4 ? [] : [{ ...product, error }];
    });
    expect(wrong).toEqual([]);
  });

  it('have the same bits on all instruction sets that have fast tiles', () => {
    const fast = addon()
      .isas()
      .filter((isa) => isa.startsWith('avx'));
    const large = [
      { m: 128, n: 200, k: 1300, transposeB: true },
      { m: 64, n: 1100, k: 300, transposeB: true },
      { m: 100, n: 160, k: 700, transposeA: true, transposeB: true },
    ];
    const hashes = fast.map((isa) => multiplied(isa, large).map(({ hash }) => hash));
    for (const other of hashes) expect(other).toEqual(hashes[0]);
  });

  it.runIf(addon().isa().startsWith('avx'))('do not depend on how many rows there are', async () => {
    const [m, n, k] = [96, 160, 700];
    const [a, b] = [hashUniform(m * k, 1), hashUniform(n * k, 2)].map((x) => Float32Array.from(x)) as [
      Float32Array,
      Float32Array,
    ];
    const product = compile((x, y) => matmul(x, y, { transposeB: true }));
    const times = async (rows: number) =>
      (
        await product(tensor(a.subarray(0, rows * k), { shape: [rows, k] }), tensor(b, { shape: [n, k] }))
      ).data();
    const all = await times(m);
    for (const rows of [16, 48, 80]) {
      expect(Buffer.compare(Buffer.from(await times(rows)), Buffer.from(all.slice(0, rows * n)))).toBe(0);
    }
  });
});
