/**
 * Numbers from a formula that `scripts/record-fixtures.py` shares, so that fixtures need not hold them: element `i` is
 * a 32-bit hash of `i` and the seed (MurmurHash3's mixer), scaled to [low, high) in double precision.
 */
export function hashUniform(count: number, seed: number, low = 0, high = 1): number[] {
  return Array.from({ length: count }, (_, i) => low + (high - low) * (hash(i, seed) / 2 ** 32));
}

/** Whole numbers from 0 to `limit - 1` by the same formula. */
export function hashIntegers(count: number, seed: number, limit: number): number[] {
  return hashUniform(count, seed).map((value) => Math.floor(value * limit));
}

function hash(index: number, seed: number): number {
  let x = (Math.imul(index, 0x9e3779b1) + Math.imul(seed, 0x7feb352d)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A random order of 0..n-1. */
export function shuffled(n: number, seed: number): number[] {
  const keys = hashUniform(n, seed);
  return keys.map((_, i) => i).sort((a, b) => (keys[a] as number) - (keys[b] as number));
}
