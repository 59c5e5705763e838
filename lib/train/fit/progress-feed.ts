import type { Progress } from '../options.js';

/** Hands the progress of a call of `fit` to its readers. A slow reader gets only the latest. */
export class ProgressFeed {
  readonly #readers = new Set<Reader>();

  publish(progress: Progress): void {
    for (const reader of this.#readers) reader.give(progress);
  }

  /** Ends all iterations. */
  end(): void {
    for (const reader of this.#readers) reader.give(undefined);
    this.#readers.clear();
  }

  async *read(): AsyncGenerator<Progress, void, undefined> {
    const reader = new Reader();
    this.#readers.add(reader);
    try {
      for (let next = await reader.take(); next; next = await reader.take()) yield next;
    } finally {
      this.#readers.delete(reader);
    }
  }
}

/** One iteration, with the latest progress that it has not seen yet. */
class Reader {
  #latest: Progress | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  give(progress: Progress | undefined): void {
    if (progress) this.#latest = progress;
    else this.#ended = true;
    this.#wake?.();
  }

  /** The next progress, or undefined at the end. */
  async take(): Promise<Progress | undefined> {
    while (!this.#latest && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const latest = this.#latest;
    this.#latest = undefined;
    return latest;
  }
}
