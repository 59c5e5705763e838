import { philox, seedWords } from '../graph/random.js';
import { addon } from '../runtime/addon.js';

/**
 * The random numbers of one transform for one sample, from 0 to less than 1. They depend only on the arguments, and
 * equal those that the addon draws.
 */
export function sampleRandom(seed: number, epoch: number, transform: number, index: number): () => number {
  const [low, high] = seedWords(seed);
  const words = new Uint32Array(4);
  let drawn = 0;
  return () => {
    if ((drawn & 3) === 0)
      philox(drawn >>> 2, index, epoch, addon().constants.transforms.stream + transform, low, high, words);
    return (words[drawn++ & 3] as number) / 2 ** 32;
  };
}

/** A number from the distribution Beta(alpha, alpha), from uniform ones. */
export function beta(alpha: number, random: () => number): number {
  const [x, y] = [gamma(alpha, random), gamma(alpha, random)];
  // With a tiny alpha both may be 0; the share is then 0 or 1, as it almost surely would be.
  return x + y > 0 ? x / (x + y) : Math.round(random());
}

/** A number from the gamma distribution (Marsaglia & Tsang 2000). */
function gamma(shape: number, random: () => number): number {
  if (shape < 1) return gamma(shape + 1, random) * (1 - random()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    // A uniform number is less than 1, so its complement has a logarithm.
    if (v > 0 && Math.log(1 - random()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** A standard normal number (Box & Muller 1958). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
