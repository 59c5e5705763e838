import type { UpdateTally } from './job.js';

/**
 * Counts the updates that skipped steps leave out. An update is made unless all steps accumulated for it are skipped;
 * neither the rule nor the schedule counts one that is not made.
 */
export class UpdateCount {
  #missed: number;
  #contributed: number;

  /** @param before the count before the first step that is noted */
  constructor(
    private readonly accumulate: number,
    { missed, contributed }: UpdateTally = { missed: 0, contributed: 0 },
  ) {
    this.#missed = missed;
    this.#contributed = contributed;
  }

  /** Notes the next step, counted over all epochs. */
  note(globalStep: number, skipped: boolean): void {
    const turn = globalStep % this.accumulate;
    if (turn === 0) this.#contributed = 0;
    if (!skipped) this.#contributed++;
    if (turn === this.accumulate - 1 && this.#contributed === 0) this.#missed++;
  }

  /** Notes the first steps of an epoch by their losses, which are NaN for skipped ones. */
  noteAll(firstStep: number, losses: Float64Array): this {
    losses.forEach((loss, step) => {
      this.note(firstStep + step, Number.isNaN(loss));
    });
    return this;
  }

  /** True if a step accumulated for the current update was not skipped, so that it is made. */
  get any(): boolean {
    return this.#contributed > 0;
  }

  get missed(): number {
    return this.#missed;
  }

  get tally(): UpdateTally {
    return { missed: this.#missed, contributed: this.#contributed };
  }
}
