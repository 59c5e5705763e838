import { philox, seedWords } from '../../graph/random.js';
import type { InitContext } from './initializer.js';

/** Keeps these draws apart from any other use of the same seed and key ("init" in ASCII). */
const STREAM = 0x696e6974;

/**
 * Uniform numbers strictly between 0 and 1 with 52 random bits each, on the host: for initialisers that need an
 * algorithm rather than a formula. They depend on the seed, the parameter's key and the index alone.
 */
export function drawUniform(count: number, { seed, key }: InitContext): Float64Array {
  const [low, high] = seedWords(seed);
  const words = new Uint32Array(4);
  const result = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    if (i % 2 === 0) philox(i / 2, 0, key, STREAM, low, high, words);
    const at = (i % 2) * 2;
    const bits = (words[at] as number) * 2 ** 20 + ((words[at + 1] as number) >>> 12);
    result[i] = (bits + 0.5) * 2 ** -52;
  }
  return result;
}

/** Standard normal numbers (Box & Muller 1958), on the host. */
export function drawNormal(count: number, context: InitContext): Float64Array {
  const pairs = drawUniform(2 * Math.ceil(count / 2), context);
  for (let i = 0; i < pairs.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(pairs[i] as number));
    const angle = 2 * Math.PI * (pairs[i + 1] as number);
    pairs[i] = radius * Math.cos(angle);
    pairs[i + 1] = radius * Math.sin(angle);
  }
  return pairs.subarray(0, count);
}
