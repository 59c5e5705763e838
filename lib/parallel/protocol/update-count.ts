import type { TrainingJob, UpdateTally } from './job.js';

/**
 * Counts the updates that are not made, because their steps have no weight together: all of them are skipped, or nothing
 * in their batches counts. Neither the rule nor the schedule counts them.
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

  /**
   * Notes the next step, counted over all epochs.
   *
   * @param weight of its gradients; 0 for a skipped step
   */
  note(globalStep: number, weight: number): void {
    const turn = globalStep % this.accumulate;
    // As `Updater` adds them, so that both agree on what is 0.
    this.#contributed = turn === 0 ? weight : this.#contributed + weight;
    if (turn === this.accumulate - 1 && this.#contributed === 0) this.#missed++;
  }

  /** Notes the first steps of an epoch by their losses, which are NaN for skipped ones, and their weights. */
  noteAll(
    firstStep: number,
    steps: number,
    { losses, weights }: Pick<TrainingJob, 'losses' | 'weights'>,
  ): this {
    const own = new Float64Array(losses, 0, steps);
    const weightOf = weights && new Float64Array(weights, 0, steps);
    own.forEach((loss, step) => {
      // Without weights, any step that is not skipped has a positive one.
      this.note(firstStep + step, Number.isNaN(loss) ? 0 : (weightOf?.[step] ?? 1));
    });
    return this;
  }

  get missed(): number {
    return this.#missed;
  }

  get tally(): UpdateTally {
    return { missed: this.#missed, contributed: this.#contributed };
  }
}
