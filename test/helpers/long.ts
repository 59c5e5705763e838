/** True in `npm run test:long`, which runs the long proofs whole; `npm test` runs a sample of each. */
export const LONG = process.env.CHAINRULE_LONG === '1';

/** All of a long list of cases in `npm run test:long`; in `npm test` every so many-th of them, always the same. */
export function sampled<T>(all: readonly T[], every: number): readonly T[] {
  return LONG ? all : all.filter((_, i) => i % every === 0);
}
