import { type ArenaHandle, addon } from './addon.js';

/**
 * Memory shared by plans of one thread that never run at the same time, as large as the largest that has run in it. Its
 * contents do not outlive a run.
 */
export class Arena {
  readonly handle: ArenaHandle = addon().createArena();
  #bytes = 0;

  /** Makes room for a plan that will run here. Returns the bytes by which the arena grows. */
  grow(bytes: number): number {
    const more = Math.max(0, bytes - this.#bytes);
    this.#bytes += more;
    return more;
  }
}
