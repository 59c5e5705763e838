/** Runs tasks one at a time, in the order of arrival. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** True if no task runs or waits. */
  get isIdle(): boolean {
    return this.#pending === 0;
  }

  async run<R>(task: () => R | Promise<R>): Promise<R> {
    const before = this.#last;
    let done = () => {};
    this.#pending++;
    this.#last = new Promise<void>((resolve) => {
      done = resolve;
    });
    // Awaited rather than chained, so that an error shows the caller's line.
    await before;
    try {
      return await task();
    } finally {
      this.#pending--;
      done();
    }
  }
}
