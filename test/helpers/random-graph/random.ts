import { hashUniform } from '#examples/lib/formula.js';

export { hashIntegers, hashUniform } from '#examples/lib/formula.js';

/** A random order of 0..n-1. */
export function shuffled(n: number, seed: number): number[] {
  const keys = hashUniform(n, seed);
  return keys.map((_, i) => i).sort((a, b) => (keys[a] as number) - (keys[b] as number));
}
