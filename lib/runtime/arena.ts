import { type ArenaHandle, addon } from './addon.js';

/**
 * Memory for the plans of one thread that never run at the same time: as much as the largest of those that have run in it.
 * Nothing in it outlives a run.
 */
export class Arena {
  readonly handle: ArenaHandle = addon.createArena();
  #bytes = 0;

  /** Room for a plan that will run here. Gives the bytes by which that makes the arena larger. */
  grow(bytes: number): number {
    const more = Math.max(0, bytes - this.#bytes);
    this.#bytes += more;
    return more;
  }
}
