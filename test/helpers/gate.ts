import { data } from 'chainrule';

const ARRIVALS = 0;
const OPEN = 1;

/**
 * Holds a training in a known step, so that a test need not be quicker than it: the worker that loads the sample `at`
 * waits until the gate is opened. Without shuffling, the first sample of a batch is loaded in the step before.
 */
export class Gate {
  readonly samples: data.Dataset;
  readonly #words = new Int32Array(new SharedArrayBuffer(8));
  readonly #passes: number;

  /** @param passes how often the sample is loaded before it is held, as in earlier epochs */
  constructor(samples: data.Dataset, at: number, passes = 0) {
    this.#passes = passes;
    const module = new URL('./programs/gate-sample.mjs', import.meta.url);
    this.samples = samples.transform([data.custom(module, { options: { at, passes, words: this.#words } })]);
  }

  /** Resolves when a worker waits. */
  async reached(): Promise<void> {
    for (;;) {
      const arrivals = Atomics.load(this.#words, ARRIVALS);
      if (arrivals > this.#passes) return;
      await Atomics.waitAsync(this.#words, ARRIVALS, arrivals, 50).value;
    }
  }

  open(): void {
    Atomics.store(this.#words, OPEN, 1);
    Atomics.notify(this.#words, OPEN);
  }
}
