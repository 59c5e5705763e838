import { setTimeout as pause } from 'node:timers/promises';
import type { Piscina } from 'piscina';
import { hasCode } from '../../graph/errors.js';
import { compiledModule } from '../../runtime/package-root.js';
import { startThreads } from '../../runtime/start-threads.js';
import { Control } from '../protocol/control.js';
import type { Job, Task } from '../protocol/job.js';
import type { Timeline } from '../protocol/timeline.js';
import { ask, ended } from './ask.js';

/** Milliseconds that threads may take to terminate. */
const STOP_MS = 10_000;

/** The worker threads of one job, for the duration of a call such as `fit`. No thread outlives the pool. */
export class WorkerPool {
  readonly #control: Control;
  /** Reason why the threads were killed, or failure of an idle one. */
  #reason: Error | undefined;
  #stopped: Promise<boolean> | undefined;
  #lost = false;

  private constructor(
    private readonly piscina: Piscina,
    private readonly job: Job,
  ) {
    this.#control = new Control(job.control);
    piscina.on('error', (error: Error) => {
      this.#reason ??= ended(error);
    });
  }

  /** Starts one thread per worker of the job. @throws (rejects) if the system refuses some of them; none is left then */
  static async start(job: Job): Promise<WorkerPool> {
    // Loaded lazily, so that importing the package stays fast.
    const { Piscina } = await import('piscina');
    const start = () =>
      new Piscina({
        filename: compiledModule('lib/parallel/worker/worker-entry.cjs').href,
        minThreads: job.workers,
        maxThreads: job.workers,
        concurrentTasksPerWorker: 1,
        workerData: job,
        recordTiming: false,
      });
    const piscina = await startThreads(
      `${job.workers} worker ${job.workers === 1 ? 'thread' : 'threads'}`,
      start,
    );
    return new WorkerPool(piscina, job);
  }

  /**
   * Runs one task on every worker, and returns the results by rank. Rejects with the first failure, once all workers
   * have returned or, if they are being terminated, have ended.
   */
  async run(taskOf: (rank: number) => Task): Promise<(Timeline | undefined)[]> {
    const failures: unknown[] = [];
    const tasks = Array.from({ length: this.job.workers }, async (_, rank) => {
      try {
        return await ask<Timeline | undefined>(this.piscina, taskOf(rank));
      } catch (error) {
        failures.push(error);
        // A worker that was terminated could not release the others itself.
        this.#control.abort();
        return undefined;
      }
    });
    const results = await Promise.all(tasks);
    // Tasks of threads being terminated fail at once, while the threads may still be running.
    await this.#stopped;
    const first = failures.find((error) => !hasCode(error, 'ERR_CHAINRULE_WORKER_RELEASED')) ?? failures[0];
    const error = this.#reason ?? first;
    if (error !== undefined) throw error;
    return results;
  }

  /** Asks the workers to stop after the current step. */
  requestStop(): void {
    this.#control.requestStop();
  }

  /** Terminates all threads, even unresponsive ones; pending tasks reject with this error. */
  kill(error: Error): void {
    this.#reason ??= error;
    void this.stop();
  }

  /** True if threads were told to end and did not: they may still change the memory of the job. */
  get lost(): boolean {
    return this.#lost;
  }

  /**
   * Terminates all threads. Resolves to true once they have ended, or to false after ten seconds. Native code looks for
   * the abort of the job, finishes an update that it has begun, and returns; the operating system may hold a thread for
   * longer, as in a read from a disk that does not answer.
   */
  stop(): Promise<boolean> {
    // Called twice, Piscina would replace the threads that end.
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<boolean> {
    this.#control.abort();
    const gone = this.piscina.destroy().then(() => true);
    const ended = await Promise.race([gone, pause(STOP_MS, false, { ref: false })]);
    this.#lost = !ended;
    return ended;
  }
}
