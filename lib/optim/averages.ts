import type { TypedArray } from '../graph/dtype.js';

/** The values of a parameter and those of its average. */
export type AveragedValues = readonly [parameter: TypedArray, average: TypedArray];

/** Runs a function while parameters hold their averages. They get their own values back, whatever happens in it. */
export async function exchanged<R>(pairs: readonly AveragedValues[], fn: () => R | Promise<R>): Promise<R> {
  exchange(pairs);
  try {
    return await fn();
  } finally {
    exchange(pairs);
  }
}

function exchange(pairs: readonly AveragedValues[]): void {
  for (const [parameter, average] of pairs) {
    const values = parameter.slice();
    parameter.set(average);
    average.set(values);
  }
}
