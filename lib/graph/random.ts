import { requireInteger } from './errors.js';

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/**
 * Philox4x32-10: turns a 128-bit counter and a 64-bit key into four random 32-bit words, written to
 * `out[0..3]`. It has no state: the same counter and key give the same words on every machine and thread.
 * Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
export function philox(
  counter0: number,
  counter1: number,
  counter2: number,
  counter3: number,
  key0: number,
  key1: number,
  out: Uint32Array,
): void {
  let c0 = counter0 | 0;
  let c1 = counter1 | 0;
  let c2 = counter2 | 0;
  let c3 = counter3 | 0;
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** The high 32 bits of the unsigned 64-bit product, from four 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  // Neither sum overflows: (2^16 - 1)^2 + 2^16 - 1 < 2^32.
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const cross = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (cross >>> 16)) | 0;
}

/** A seed as the two words of a Philox key, low word first. */
export function seedWords(seed: number): [low: number, high: number] {
  requireInteger('random', 'seed', seed);
  return [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
}

/**
 * A 32-bit key for a name (a parameter's path, a node), so that each name draws its own numbers from one seed.
 * FNV-1a over the seed and the UTF-16 code units, finished with the MurmurHash3 mixer.
 */
export function hashKey(text: string, seed = 0): number {
  const [low, high] = seedWords(seed);
  let hash = 0x811c9dc5;
  const absorb = (word: number) => {
    hash = Math.imul(hash ^ word, 0x01000193);
  };
  for (const word of [low, high]) {
    for (let shift = 0; shift < 32; shift += 8) absorb((word >>> shift) & 0xff);
  }
  for (let i = 0; i < text.length; i++) absorb(text.charCodeAt(i));
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Keeps the draws of `permutation` apart from any other use of the same seed ("perm" in ASCII). */
const PERMUTATION_STREAM = 0x7065726d;
const MAX_INT32 = 2 ** 31 - 1;

/**
 * A random permutation of 0..n-1, determined by its arguments alone (Fisher-Yates over Philox counters).
 *
 * @param n number of indices, 0 to 2^31 - 1
 * @param seed any safe integer
 * @param epoch from 0; each epoch has an order of its own
 */
export function permutation(n: number, seed: number, epoch = 0): Int32Array {
  requireInteger('permutation', 'n', n, { min: 0, max: MAX_INT32 });
  requireInteger('permutation', 'epoch', epoch, { min: 0 });
  const [low, high] = seedWords(seed);
  const [epochLow, epochHigh] = seedWords(epoch);
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  const words = new Uint32Array(4);
  for (let i = n - 1, drawn = 0; i > 0; i--, drawn++) {
    if ((drawn & 3) === 0) philox(drawn >>> 2, epochLow, epochHigh, PERMUTATION_STREAM, low, high, words);
    // Multiply-shift: deviates from uniform by less than n / 2^32, without division or rejection.
    const j = Math.floor(((words[drawn & 3] as number) * (i + 1)) / 2 ** 32);
    const kept = order[i] as number;
    order[i] = order[j] as number;
    order[j] = kept;
  }
  return order;
}
