import { type ArenaHandle, addon } from './addon.js';

/** Runs after which an arena gives back what none of them has needed. */
const LATELY = 8;

/** An arena of fewer bytes is kept, whatever runs need: little would be given back. */
const LEAST_GIVEN_BACK = 2 ** 20;

/**
 * Memory shared by plans of one thread that never run at the same time, as large as the largest that has run in it. Its
 * contents do not outlive a run.
 */
export class Arena {
  #handle: ArenaHandle | undefined;
  #bytes = 0;
  /** The largest of the last runs that were announced, and their number. */
  #lately = 0;
  #runs = 0;

  /** Made at first use, which loads the addon. */
  get handle(): ArenaHandle {
    this.#handle ??= addon().createArena();
    return this.#handle;
  }

  /** Bytes that it takes, or will take once the plans for which it has room have run. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Makes room for a plan that will run here. */
  grow(bytes: number): void {
    this.#bytes = Math.max(this.#bytes, bytes);
  }

  /**
   * Announces the run of a plan of some bytes. If the last runs, eight or more, have needed at most half of the memory, the
   * rest is given back: one large run does not hold its memory for ever.
   */
  announce(bytes: number): void {
    this.grow(bytes);
    this.#lately = Math.max(this.#lately, bytes);
    this.#runs++;
    if (this.#runs < LATELY) return;
    if (this.#bytes >= LEAST_GIVEN_BACK && this.#lately <= this.#bytes / 2) {
      const needed = this.#lately;
      this.release();
      this.#bytes = needed;
    }
    this.#runs = 0;
    this.#lately = 0;
  }

  /** Gives back the memory. The next run takes what it needs. */
  release(): void {
    if (this.#handle) addon().releaseArena(this.#handle);
    this.#bytes = 0;
  }
}
