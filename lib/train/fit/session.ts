import { failed } from '../../graph/errors.js';
import type { Signal } from '../../graph/web-types.js';
import { WorkerPool } from '../../parallel/prepare/pool.js';
import { Control } from '../../parallel/protocol/control.js';
import type { Job, Task } from '../../parallel/protocol/job.js';
import type { Timeline } from '../../parallel/protocol/timeline.js';
import { addon } from '../../runtime/addon.js';

const LOST = 'a thread has not ended and may still change the parameters';
const TORN = 'a part of the parameters has made one step more';

/** Why the parameters cannot be used, in the words of the failure and of every later call. */
export type Damage = typeof LOST | typeof TORN;

/** The threads of one call of a trainer, from their start to their end. */
export class Session {
  #job: Job | undefined;
  #pool: WorkerPool | undefined;
  #signal: Signal | undefined;
  #paused = false;
  #running = false;
  #counted = false;
  #lost = false;
  #torn = false;
  /** Training stops after the step under way; an evaluation, of which nothing remains, at once. */
  readonly #stop = () => {
    if (this.#job?.training) this.requestStop();
    else this.kill(new Error('aborted', { cause: this.#signal?.reason }));
  };

  /** Starts the threads of a job. An abort of the signal ends them. */
  async start(job: Job, signal?: Signal): Promise<void> {
    this.#job = job;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#stop);
    new Control(job.control).paused = this.#paused;
    this.#pool = await WorkerPool.start(job);
    // An abort during the start found no pool to stop.
    signal?.throwIfAborted();
  }

  /** Number of the job's workers. */
  get workers(): number {
    return this.#job?.workers ?? 0;
  }

  /** Runs one task on every worker; see `WorkerPool.run`. */
  async run(taskOf: (rank: number) => Task): Promise<(Timeline | undefined)[]> {
    if (!this.#pool) throw new RangeError('the session has no threads');
    this.#running = true;
    this.#count();
    try {
      return await this.#pool.run(taskOf);
    } finally {
      this.#running = false;
      this.#count();
    }
  }

  /** Counts among the trainings that share the cores of the process while the threads work, and not while they wait. */
  #count(): void {
    const counts = this.#running && !this.#paused;
    if (counts === this.#counted) return;
    this.#counted = counts;
    addon().trainings(counts ? 1 : -1);
  }

  /** Ends all threads, whatever they are doing, and starts new ones on the same memory. Rejects if some do not end. */
  async restart(): Promise<void> {
    if (!this.#job) throw new RangeError('the session has no job');
    await this.#stopThreads();
    if (this.#isLost) {
      const expected = 'a worker thread did not end, and so no new ones were started';
      throw failed('ERR_CHAINRULE_WORKER_STUCK', 'fit', expected);
    }
    new Control(this.#job.control).reset();
    this.#pool = await WorkerPool.start(this.#job);
  }

  /** Why the parameters cannot be used; undefined if they are those of a whole step. */
  get damage(): Damage | undefined {
    if (this.#isLost) return LOST;
    return this.#torn ? TORN : undefined;
  }

  /** Notes that a step is half done and could not be finished. */
  tear(): void {
    this.#torn = true;
  }

  /** True if some threads did not end. */
  get #isLost(): boolean {
    return this.#lost || this.#pool?.lost === true;
  }

  async #stopThreads(): Promise<void> {
    if (this.#pool && !(await this.#pool.stop())) this.#lost = true;
  }

  /** Ends all threads at once; their pending tasks reject with this error. */
  kill(error: Error): void {
    this.#pool?.kill(error);
  }

  /** Asks the workers to stop after the step under way. */
  requestStop(): void {
    this.#pool?.requestStop();
  }

  /** True while the workers are paused between two steps. */
  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    if (this.#job) new Control(this.#job.control).paused = paused;
    this.#count();
  }

  async end(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#stop);
    await this.#stopThreads();
    this.#job = undefined;
  }
}
