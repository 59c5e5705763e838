import { setTimeout as pause } from 'node:timers/promises';
import type { Piscina } from 'piscina';
import { invalid } from '../../graph/errors.js';
import { compiledModule } from '../../runtime/package-root.js';
import { Control, isReleased } from '../protocol/control.js';
import type { Job, Task } from '../protocol/job.js';
import type { Timeline } from '../protocol/timeline.js';

/** Rewords the error of a terminated thread; other errors come from within a worker and are clear as they are. */
function explained(cause: unknown): unknown {
  if (!(cause instanceof Error) || !cause.message.startsWith('worker exited')) return cause;
  const error = invalid('parallel', `a worker thread was ended before its work was done (${cause.message})`);
  error.cause = cause;
  return error;
}

/** Milliseconds that threads may take to terminate. */
const STOP_MS = 10_000;

/** The worker threads of one job, for the duration of a call such as `fit`. No thread outlives the pool. */
export class WorkerPool {
  readonly #control: Control;
  /** Reason why the threads were killed, or failure of an idle one. */
  #reason: Error | undefined;
  #stopped: Promise<boolean> | undefined;

  private constructor(
    private readonly piscina: Piscina,
    private readonly job: Job,
  ) {
    this.#control = new Control(job.control);
    piscina.on('error', (error: Error) => {
      this.#reason ??= error;
    });
  }

  /** Starts one thread per worker of the job. */
  static async start(job: Job): Promise<WorkerPool> {
    // Loaded lazily, so that importing the package stays fast.
    const { Piscina } = await import('piscina');
    const piscina = new Piscina({
      filename: compiledModule('lib/parallel/worker/worker-entry.cjs').href,
      minThreads: job.workers,
      maxThreads: job.workers,
      concurrentTasksPerWorker: 1,
      workerData: job,
      recordTiming: false,
    });
    return new WorkerPool(piscina, job);
  }

  /**
   * Runs one task on every worker, and returns the results by rank. Rejects with the first failure, once all workers
   * have returned or, if they are being terminated, have ended.
   */
  async run(taskOf: (rank: number) => Task): Promise<(Timeline | undefined)[]> {
    const failures: unknown[] = [];
    const tasks = Array.from({ length: this.job.workers }, (_, rank) =>
      (this.piscina.run(taskOf(rank)) as Promise<Timeline | undefined>).catch((error: unknown): undefined => {
        failures.push(error);
        // A worker that was terminated could not release the others itself.
        this.#control.abort();
      }),
    );
    const results = await Promise.all(tasks);
    // Tasks of threads being terminated fail at once, while the threads may still be running.
    await this.#stopped;
    const cause = this.#reason ?? failures.find((error) => !isReleased(error)) ?? failures[0];
    if (cause !== undefined) throw explained(cause);
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

  /**
   * Terminates all threads. Resolves to true once they have ended, or to false after ten seconds: a thread in native
   * code ends only when it returns.
   */
  stop(): Promise<boolean> {
    // Called twice, Piscina would replace the threads that end.
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<boolean> {
    this.#control.abort();
    const gone = this.piscina.destroy().then(() => true);
    return Promise.race([gone, pause(STOP_MS, false, { ref: false })]);
  }
}
