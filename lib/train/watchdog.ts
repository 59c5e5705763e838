import { type ChainruleError, invalid } from '../graph/errors.js';
import { Control } from '../parallel/control.js';
import type { Job } from '../parallel/job.js';

/** Notices when no step has been finished for too long. */
export class Watchdog {
  readonly #control: Control;
  #step = -1;
  #since = performance.now();

  /** @param limit milliseconds */
  constructor(
    private readonly job: Job,
    private readonly limit: number,
  ) {
    this.#control = new Control(job.control);
  }

  /** To be called now and then. Gives an error that names the workers that the others wait for. */
  look(): ChainruleError | undefined {
    const step = this.#control.stepsDone;
    const now = performance.now();
    if (step !== this.#step || this.#control.paused) {
      this.#step = step;
      this.#since = now;
    }
    if (now - this.#since <= this.limit) return undefined;
    const late = this.#control.late(this.job.workers);
    const who = late.length === 0 ? 'the workers' : `worker ${late.join(' and ')}`;
    return invalid(
      'fit',
      `a step must not take longer than stepTimeout (${this.limit} ms): ${who} did not finish`,
    );
  }
}
