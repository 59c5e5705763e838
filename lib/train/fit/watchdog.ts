import { type ChainruleError, failed } from '../../graph/errors.js';
import { Control } from '../../parallel/protocol/control.js';
import type { Job } from '../../parallel/protocol/job.js';

/** Most time between two looks that counts as elapsed: a process that was suspended for longer was not stuck. */
const LONGEST_MS = 1000;

/** Detects a step that takes too long. */
export class Watchdog {
  readonly #control: Control;
  #step = -1;
  #looked = performance.now();
  /** Milliseconds since the step began. */
  #elapsed = 0;

  /** @param limit milliseconds */
  constructor(
    private readonly job: Job,
    private readonly limit: number,
  ) {
    this.#control = new Control(job.control);
  }

  /** Called regularly. Returns an error that names the late workers once a step has exceeded the limit. */
  look(): ChainruleError | undefined {
    const step = this.#control.stepsDone;
    const now = performance.now();
    this.#elapsed += Math.min(now - this.#looked, LONGEST_MS);
    this.#looked = now;
    if (step !== this.#step || this.#control.paused) this.#elapsed = 0;
    this.#step = step;
    if (this.#elapsed <= this.limit) return undefined;
    const late = this.#control.late(this.job.workers);
    const who = late.length === 0 ? 'the workers' : `worker ${late.join(' and ')}`;
    return failed(
      'ERR_CHAINRULE_WORKER_STUCK',
      'fit',
      `a step must not take longer than stepTimeout (${this.limit} ms): ${who} did not finish`,
    );
  }
}
