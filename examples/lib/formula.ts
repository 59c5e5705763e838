import type { nn } from 'chainrule';

/**
 * Numbers from a formula shared with `scripts/fixtures/common.py`, so that PyTorch can start from the same ones:
 * element `i` is a 32-bit hash of `i` and the seed (MurmurHash3's mixer), scaled to [low, high) in double precision.
 */
export function hashUniform(count: number, seed: number, low = 0, high = 1): number[] {
  return Array.from({ length: count }, (_, i) => low + (high - low) * (hash(i, seed) / 2 ** 32));
}

/** Integers from 0 to `limit - 1` by the same formula. */
export function hashIntegers(count: number, seed: number, limit: number): number[] {
  return hashUniform(count, seed).map((value) => Math.floor(value * limit));
}

function hash(index: number, seed: number): number {
  let x = (Math.imul(index, 0x9e3779b1) + Math.imul(seed, 0x7feb352d)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/**
 * Sets every parameter to values that depend on its path alone, the initial values of `scripts/fixtures/papers.py`:
 * matrices are uniform within +-1 / sqrt(fan-in), kernels within +-sqrt(6 / fan-in) (He et al. 2015), all else within
 * 0.1 of 1 (the weights of normalisations) or of 0.
 */
export function initialiseByFormula<M extends nn.Module>(model: M): M {
  for (const [path, { shape, size, storage }] of model.namedParameters()) {
    const bound = boundOf(shape);
    const middle = shape.length === 1 && path.endsWith('weight') ? 1 : 0;
    storage.data.set(hashUniform(size, pathSeed(path), middle - bound, middle + bound));
  }
  return model;
}

function boundOf(shape: readonly number[]): number {
  const [first = 1, second = 1, third = 1] = shape;
  if (shape.length === 4) return Math.sqrt(6 / (first * second * third));
  return shape.length === 2 ? 1 / Math.sqrt(second) : 0.1;
}

function pathSeed(path: string): number {
  let seed = 0;
  for (const character of path) seed = (Math.imul(seed, 31) + character.charCodeAt(0)) | 0;
  return seed;
}
