import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Product, sidesOf, sizeOf } from '../../helpers/programs/instruction-sets/product-sides.mjs';
import { onInstructionSet } from '../on-instruction-set.js';

export interface Multiplied {
  readonly hash: string;
  /** Numbers of rows whose product has other bits than the same rows of the whole. */
  readonly different: readonly number[];
  /** Empty where only the bits were asked for. */
  readonly values: Float32Array;
}

/** The products on one instruction set. */
export function multiplied(isa: string, products: readonly Product[], env?: NodeJS.ProcessEnv): Multiplied[] {
  const folder = mkdtempSync(join(tmpdir(), 'products-'));
  try {
    const file = join(folder, 'values');
    const results = onInstructionSet<Omit<Multiplied, 'values'>>(isa, 'products.mjs', products, {
      ...env,
      PRODUCTS: file,
    });
    const all = products.every(({ bits }) => bits)
      ? new Float32Array()
      : new Float32Array(new Uint8Array(readFileSync(file)).buffer);
    let end = 0;
    return results.map((result, i) => {
      const { batch = [], m, n, bits } = products[i] as Product;
      const start = end;
      if (!bits) end += sizeOf([...batch, m, n]);
      return { ...result, values: all.subarray(start, end) };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Defined {
  readonly sums: Float64Array;
  /** The sums of the magnitudes of the terms. */
  readonly magnitudes: Float64Array;
}

const definitions = new Map<string, Defined>();

/** A product by its definition, which takes long: once for all ways in which its sides are handed over. */
function defined(product: Product): Defined {
  const { batch = [], m, n, k, shared = false } = product;
  const key = `${[batch.length, ...batch, m, n, k, shared]}`;
  const known = definitions.get(key);
  if (known) return known;
  const [a, b] = sidesOf(product);
  const size = sizeOf([...batch, m, n]);
  const [sums, magnitudes] = [new Float64Array(size), new Float64Array(size)];
  for (let row = 0; row < size / n; row++) {
    const right = shared ? 0 : Math.floor(row / m) * k * n;
    for (let q = 0; q < k; q++) {
      const factor = a[row * k + q] as number;
      for (let j = 0; j < n; j++) {
        const term = factor * (b[right + q * n + j] as number);
        sums[row * n + j] = (sums[row * n + j] as number) + term;
        magnitudes[row * n + j] = (magnitudes[row * n + j] as number) + Math.abs(term);
      }
    }
  }
  definitions.set(key, { sums, magnitudes });
  return { sums, magnitudes };
}

/** The largest error in units of float32's precision, relative to the sum of the magnitudes of the terms. */
export function largestError(product: Product, values: Float32Array): number {
  const { sums, magnitudes } = defined(product);
  if (values.length !== sums.length) return Number.NaN;
  let worst = 0;
  for (const [at, sum] of sums.entries()) {
    const error = Math.abs((values[at] as number) - sum) / (2 ** -23 * (magnitudes[at] as number) || 1);
    if (!(error <= worst)) worst = error;
  }
  return worst;
}
