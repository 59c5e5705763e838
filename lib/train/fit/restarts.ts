import { messageOf } from '../../graph/errors.js';

/** Counts the restarts of workers that a call of `fit` has left. */
export class Restarts {
  constructor(
    private left: number,
    private readonly log: (line: string) => void,
  ) {}

  /** Uses up one restart; false if none is left. */
  take(error: unknown): boolean {
    if (this.left === 0) return false;
    this.left--;
    this.log(`fit: the workers are started anew, because ${messageOf(error)}`);
    return true;
  }
}
