import { describe, expect, it } from 'vitest';
import { addon } from '#lib/runtime/addon.js';
import { LONG } from '../../helpers/long.js';
import type { Product } from '../../helpers/programs/instruction-sets/product-sides.mjs';
import { hashIntegers } from '../../helpers/random-graph/random.js';
import { largestError, type Multiplied, multiplied } from './products.js';

const bitsAlone = (products: readonly Product[]) => products.map((product) => ({ ...product, bits: true }));
const hashesOf = (results: readonly Multiplied[]) => results.map(({ hash }) => hash);

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

// The sample turns the large ones on neither side or on both.
const ofLarge = turned(large, LONG ? turns : [turns[0], turns[3]]);
const plain = [...turned([...random, ...edges, ...thin]), ...ofLarge, ...batches];

/** Products that have the same bits on all instruction sets with tiles. */
const contiguous = bitsAlone(
  turned(
    [
      [1, 200, 1300],
      [7, 33, 300],
      [48, 100, 700],
      [128, 200, 1300],
      [64, 1100, 60],
      [40, 2100, 600],
    ],
    [turns[0], turns[1]],
  ),
);

/** Products of which some rows are computed alone; the sample turns each of them in one way. */
const ofRows = bitsAlone([
  ...[1, 13, 95, 96, 257, 280, 380, 560, 700, 1030, 2100].flatMap((k, i) =>
    (LONG ? turns : [turns[i % turns.length]]).map((turn) => ({
      ...{ m: 130, n: 1 + (k % 90), k, ...turn },
      rows: [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17, 31, 32, 33, 47, 48, 49, 64, 97],
    })),
  ),
  // A matrix that some numbers of rows stream, and others pack.
  ...[turns[0], turns[1]].map((turn) => ({ m: 64, n: 2100, k: 600, rows: [28, 29, 32, 48, 49], ...turn })),
]);

const cached = bitsAlone(turned([[200, 130, 1300], ...(LONG ? [[70, 2100, 600] as const] : [])]));

/** Products with packed weights, of which some rows are computed alone: in the sample, every third number of them. */
const packed = [...random, ...edges, ...large]
  .filter(([, n]) => n >= 16)
  .flatMap(([m, n, k], i) =>
    [false, true].map((transposeB) => ({
      ...{ m, n, k, transposeB, packed: true },
      rows: [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17, 33, 64, 127, 128, 129].filter(
        (count, at) => count < m && (LONG || at % 3 === i % 3),
      ),
    })),
  );

/** Those whose weights have contiguous rows, without packing. */
const unpacked = bitsAlone(
  packed.filter(({ transposeB }) => !transposeB).map((product) => ({ ...product, packed: false, rows: [] })),
);

const asked = { plain, contiguous, ofRows, cached, packed, unpacked };
const answers = new Map<string, Record<keyof typeof asked, Multiplied[]>>();

/** What an instruction set makes of all of them, in one process. */
function answersOf(isa: string) {
  const known = answers.get(isa);
  if (known) return known;
  const results = multiplied(isa, Object.values<readonly Product[]>(asked).flat());
  const lists = Object.entries(asked).map(([name, list]) => [name, results.splice(0, list.length)]);
  const own = Object.fromEntries(lists) as Record<keyof typeof asked, Multiplied[]>;
  answers.set(isa, own);
  return own;
}

const fast = addon()
  .isas()
  .filter((isa) => isa.startsWith('avx'));

describe('products of matrices', () => {
  it.each(addon().isas())('are those of the definition, to float32 precision, on %s', (isa) => {
    const results = answersOf(isa).plain;
    expect(results).toHaveLength(plain.length);
    // A term more or less would be hundreds.
    const wrong = results.flatMap(({ values }, i) => {
      const error = largestError(plain[i] as Product, values);
      return error <= 4 ? [] : [{ ...plain[i], error }];
    });
    expect(wrong).toEqual([]);
  });

  it('have the same bits on all instruction sets with tiles, if the right side has contiguous rows', () => {
    const hashes = fast.map((isa) => hashesOf(answersOf(isa).contiguous));
    for (const other of hashes) expect(other).toEqual(hashes[0]);
  });

  it.each(fast)('do not depend on the size of the second-level cache, on %s', (isa) => {
    const expected = hashesOf(answersOf(isa).cached);
    for (const bytes of LONG ? [2 ** 18, 2 ** 20, 2 ** 30] : [2 ** 18, 2 ** 30]) {
      const results = multiplied(isa, cached, { CHAINRULE_L2_CACHE: `${bytes}` });
      expect(hashesOf(results)).toEqual(expected);
    }
  });

  it.each(fast)('do not depend on how many rows there are, on %s', (isa) => {
    const results = answersOf(isa).ofRows;
    expect(results).toHaveLength(ofRows.length);
    const different = results.flatMap(({ different: rows }, i) =>
      rows.length === 0 ? [] : [{ ...ofRows[i], rows }],
    );
    expect(different).toEqual([]);
  });
});

describe('products with packed weights', () => {
  it.each(addon().isas())('are those of the definition, for any number of rows, on %s', (isa) => {
    const results = answersOf(isa).packed;
    expect(results).toHaveLength(packed.length);
    const wrong = results.flatMap(({ values, different }, i) => {
      const error = largestError(packed[i] as Product, values);
      // Without tiles, the BLAS multiplies with the weight as it is, and may add up in another order.
      const changes = isa.startsWith('avx') ? different : [];
      return error <= 4 && changes.length === 0 ? [] : [{ ...packed[i], error, different }];
    });
    expect(wrong).toEqual([]);
  });

  it('have the bits of products with contiguous rows, on all instruction sets with tiles', () => {
    for (const isa of fast) {
      const results = answersOf(isa);
      const contiguous = results.packed.filter((_, i) => !packed[i]?.transposeB);
      expect(hashesOf(contiguous)).toEqual(hashesOf(results.unpacked));
    }
  });
});
