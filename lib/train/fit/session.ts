import { failed } from '../../graph/errors.js';
import { WorkerPool } from '../../parallel/prepare/pool.js';
import { Control } from '../../parallel/protocol/control.js';
import type { Job, Task } from '../../parallel/protocol/job.js';
import type { Timeline } from '../../parallel/protocol/timeline.js';
import { addon } from '../../runtime/addon.js';

/** The threads of one call of a trainer, from their start to their end. */
export class Session {
  #job: Job | undefined;
  #pool: WorkerPool | undefined;
  #signal: AbortSignal | undefined;
  #paused = false;
  #lost = false;
  readonly #stop = () => this.requestStop();

  /** Starts the threads of a job. An abort of the signal asks them to stop. */
  async start(job: Job, signal?: AbortSignal): Promise<void> {
    this.#job = job;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#stop);
    addon().trainings(1);
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
  run(taskOf: (rank: number) => Task): Promise<(Timeline | undefined)[]> {
    if (!this.#pool) throw new RangeError('the session has no threads');
    return this.#pool.run(taskOf);
  }

  /** Ends all threads, whatever they are doing, and starts new ones on the same memory. Rejects if some do not end. */
  async restart(): Promise<void> {
    if (!this.#job) throw new RangeError('the session has no job');
    await this.#stopThreads();
    if (this.#lost) {
      const expected = 'a worker thread did not end, and so no new ones were started';
      throw failed('ERR_CHAINRULE_WORKER_STUCK', 'fit', expected);
    }
    new Control(this.#job.control).reset();
    this.#pool = await WorkerPool.start(this.#job);
  }

  /** True if some threads did not end and may still change the memory of the job. */
  get lost(): boolean {
    return this.#lost;
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
  }

  async end(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#stop);
    await this.#stopThreads();
    if (this.#job) addon().trainings(-1);
    this.#job = undefined;
  }
}
