import { describe, expect, it } from 'vitest';
import { addon } from '#lib/runtime/addon.js';
import { LONG } from '../../helpers/long.js';
import { hashIntegers } from '../../helpers/random-graph/random.js';
import { onInstructionSet } from '../on-instruction-set.js';

interface Product {
  readonly batch?: readonly number[];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly shared?: boolean;
  readonly heads?: boolean;
  /** Whether the right side is packed before, as a snapshot for inference does. */
  readonly packed?: boolean;
  readonly bits?: boolean;
  /** Numbers of rows of the left side whose products are compared with those in the whole. */
  readonly rows?: readonly number[];
}

interface Multiplied {
  /** Absent where only the bits were asked for. */
  readonly error?: number;
  readonly hash: string;
  readonly different: readonly number[];
}

/** The products on one instruction set: each one's error and a hash of its bits. */
const multiplied = (isa: string, products: readonly Product[], env?: NodeJS.ProcessEnv) =>
  onInstructionSet<Multiplied>(isa, 'products.mjs', products, env);

/** The same without the errors. */
const bitsOf = (isa: string, products: readonly Product[], env?: NodeJS.ProcessEnv) =>
  multiplied(
    isa,
    products.map((product) => ({ ...product, bits: true })),
    env,
  );

const turns = [
  {},
  { transposeA: true },
  { transposeB: true },
  { transposeA: true, transposeB: true },
] as const;
const turned = (
  sizes: readonly (readonly [number, number, number])[],
  by: readonly object[] = turns,
): Product[] => sizes.flatMap(([m, n, k]) => by.map((turn) => ({ m, n, k, ...turn })));

const sizeAt = (seed: number, most: number) => 1 + ((hashIntegers(1, most, seed)[0] as number) % most);
const random = Array.from(
  { length: LONG ? 30 : 10 },
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
  [30, 70, 2050],
] as const;
const large = [
  [140, 300, 1025],
  [300, 140, 1100],
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
  // The definition of large products takes long: in the sample, they are turned on neither side or on both.
  const ofLarge = turned(large, LONG ? turns : [turns[0], turns[3]]);
  const products = [...turned([...random, ...edges, ...thin]), ...ofLarge, ...batches];

  it.each(addon().isas())('are those of the definition, to float32 precision, on %s', (isa) => {
    const results = multiplied(isa, products);
    // A term more or less would be hundreds.
    const wrong = products.flatMap((product, i) => {
      const error = results[i]?.error ?? Number.NaN;
      return error <= 4 ? [] : [{ ...product, error }];
    });
    expect(wrong).toEqual([]);
  });

  const fast = addon()
    .isas()
    .filter((isa) => isa.startsWith('avx'));

  it('have the same bits on all instruction sets with tiles, if the right side has contiguous rows', () => {
    const sizes = [
      [1, 200, 1300],
      [7, 33, 300],
      [48, 100, 700],
      [128, 200, 1300],
      [64, 1100, 60],
      [40, 2100, 600],
    ] as const;
    const rows = turned(sizes).filter(({ transposeB }) => !transposeB);
    const hashes = fast.map((isa) => bitsOf(isa, rows).map(({ hash }) => hash));
    for (const other of hashes) expect(other).toEqual(hashes[0]);
  });

  it.each(fast)('do not depend on the size of the second-level cache, on %s', (isa) => {
    const products = turned([[200, 130, 1300], ...(LONG ? [[70, 2100, 600] as const] : [])]);
    const hashes = [2 ** 18, 2 ** 20, 2 ** 30].map((bytes) =>
      bitsOf(isa, products, { CHAINRULE_L2_CACHE: `${bytes}` }).map(({ hash }) => hash),
    );
    for (const other of hashes) expect(other).toEqual(hashes[0]);
  });

  it.each(fast)('do not depend on how many rows there are, on %s', (isa) => {
    const rows = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17, 31, 32, 33, 47, 48, 49, 64, 97];
    const inner = [1, 13, 95, 96, 257, 280, 380, 560, 700, 1030, 2100];
    const products: Product[] = inner.flatMap((k) =>
      turns.map((turn) => ({ m: 130, n: 1 + (k % 90), k, rows, ...turn })),
    );
    // A matrix that some numbers of rows stream, and others pack.
    const far = { m: 64, n: 2100, k: 600, rows: [28, 29, 32, 48, 49] };
    products.push(...turns.filter((turn) => !('transposeB' in turn)).map((turn) => ({ ...far, ...turn })));
    const results = bitsOf(isa, products);
    const different = products.flatMap((product, i) =>
      results[i]?.different.length === 0 ? [] : [{ ...product, rows: results[i]?.different }],
    );
    expect(different).toEqual([]);
  });
});

describe('products with packed weights', () => {
  const rows = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17, 33, 64, 127, 128, 129];
  const sizes = [...random, ...edges, ...large].filter(([, n]) => n >= 16);
  const packed = sizes.flatMap(([m, n, k]) =>
    [false, true].map((transposeB) => ({
      m,
      n,
      k,
      transposeB,
      packed: true,
      rows: rows.filter((count) => count < m),
    })),
  );

  it.each(addon().isas())('are those of the definition, for any number of rows, on %s', (isa) => {
    const results = multiplied(isa, packed);
    const wrong = packed.flatMap((product, i) => {
      const { error = Number.NaN, different } = results[i] as Multiplied;
      // Without tiles, the BLAS multiplies with the weight as it is, and may add up in another order.
      const changes = isa.startsWith('avx') ? different : [];
      return error <= 4 && changes.length === 0 ? [] : [{ ...product, error, different }];
    });
    expect(wrong).toEqual([]);
  });

  it('have the bits of products with contiguous rows, on all instruction sets with tiles', () => {
    const contiguous = packed.filter(({ transposeB }) => !transposeB);
    const plain = contiguous.map((product) => ({ ...product, packed: false, rows: [] }));
    const isas = addon()
      .isas()
      .filter((isa) => isa.startsWith('avx'));
    for (const isa of isas) {
      const hashes = (products: readonly Product[]) => bitsOf(isa, products).map(({ hash }) => hash);
      expect(hashes(contiguous)).toEqual(hashes(plain));
    }
  });
});
