import type { TypedArray } from '../graph/dtype.js';
import type { Variable } from '../graph/leaf.js';
import { Claim } from '../runtime/access/claim.js';

/** A parameter, and the values of its average. */
export type Averaged = readonly [parameter: Variable, average: TypedArray];

/** Lets parameters hold their averages while functions run, nested or concurrently. Nobody else writes to them meanwhile. */
export class AverageExchange {
  #running = 0;
  #begun: Promise<() => Promise<void>> | undefined;
  /** The exchange back that is under way; undefined if there is none. */
  #ending: Promise<void> | undefined;
  #exchanged = false;

  /** @param pairs returns what to exchange, before the first function and after the last one */
  constructor(private readonly pairs: () => readonly Averaged[]) {}

  /** True while the parameters hold their averages. */
  get active(): boolean {
    return this.#begun !== undefined || this.#ending !== undefined;
  }

  /** True if the memory of the averages holds the parameters' own values at this moment. */
  get exchanged(): boolean {
    return this.#exchanged;
  }

  /**
   * Runs a function. After the last running one the parameters get their own values back, even if it throws.
   *
   * @param own the claim of a call that trains the parameters and is at rest
   */
  async run<R>(fn: () => R | Promise<R>, own?: Claim): Promise<R> {
    this.#running++;
    this.#begun ??= this.#begin(own);
    const begun = this.#begun;
    try {
      await begun;
      return await fn();
    } finally {
      if (--this.#running === 0) await this.#end(begun);
    }
  }

  /** Exchanges the values. Resolves to a function that exchanges them back. */
  async #begin(own: Claim | undefined): Promise<() => Promise<void>> {
    await this.#ending?.catch(() => {});
    const parameters = this.pairs().map(([parameter]) => parameter);
    const claim = own ?? new Claim('withAverages');
    if (!own) claim.take(parameters);
    const exchanged = () =>
      claim.writing(parameters, () => {
        exchange(this.pairs());
        this.#exchanged = !this.#exchanged;
      });
    try {
      await exchanged();
    } catch (error) {
      if (!own) claim.release();
      throw error;
    }
    return async () => {
      try {
        await exchanged();
      } finally {
        if (!own) claim.release();
      }
    };
  }

  async #end(begun: Promise<() => Promise<void>>): Promise<void> {
    const back = await begun.catch(() => undefined);
    // A function that began meanwhile has the averages already. One that begins from here on exchanges them again.
    if (this.#running === 0 && this.#begun === begun) {
      this.#begun = undefined;
      this.#ending = back?.().finally(() => {
        this.#ending = undefined;
      });
    }
    await this.#ending;
  }
}

function exchange(pairs: readonly Averaged[]): void {
  for (const [{ storage }, average] of pairs) {
    const values = storage.data.slice();
    storage.data.set(average);
    average.set(values);
  }
}
