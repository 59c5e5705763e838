import type { TypedArray } from '../graph/dtype.js';

/** The values of a parameter and those of its average. */
export type AveragedValues = readonly [parameter: TypedArray, average: TypedArray];

/** Lets parameters hold their averages while functions run, nested or concurrently. */
export class AverageExchange {
  #running = 0;

  /** @param pairs returns the values to exchange, before the first function and after the last one */
  constructor(private readonly pairs: () => readonly AveragedValues[]) {}

  /** True while the parameters hold their averages. */
  get active(): boolean {
    return this.#running > 0;
  }

  /** Runs a function. After the last running one the parameters get their own values back, even if it throws. */
  async run<R>(fn: () => R | Promise<R>): Promise<R> {
    if (this.#running++ === 0) exchange(this.pairs());
    try {
      return await fn();
    } finally {
      if (--this.#running === 0) exchange(this.pairs());
    }
  }
}

function exchange(pairs: readonly AveragedValues[]): void {
  for (const [parameter, average] of pairs) {
    const values = parameter.slice();
    parameter.set(average);
    average.set(values);
  }
}
