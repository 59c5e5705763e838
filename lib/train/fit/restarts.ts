/** How often the workers of a call of `fit` may still be started anew. */
export class Restarts {
  constructor(
    private left: number,
    private readonly log: (line: string) => void,
  ) {}

  /** Takes one restart, if there is one left. */
  take(error: unknown): boolean {
    if (this.left === 0) return false;
    this.left--;
    const why = error instanceof Error ? error.message : String(error);
    this.log(`fit: the workers are started anew, because ${why}`);
    return true;
  }
}
