import { setTimeout as pause } from 'node:timers/promises';
import type { Piscina } from 'piscina';
import { invalid } from '../../graph/errors.js';
import { compiledModule } from '../../runtime/package-root.js';
import { Control, isReleased } from '../protocol/control.js';
import type { Job, Task } from '../protocol/job.js';
import type { Timeline } from '../protocol/timeline.js';

/** Says what it means that a thread is gone; other errors come from within a worker, and say so themselves. */
function explained(cause: unknown): unknown {
  if (!(cause instanceof Error) || !cause.message.startsWith('worker exited')) return cause;
  const error = invalid('parallel', `a worker thread was ended before its work was done (${cause.message})`);
  error.cause = cause;
  return error;
}

/** Milliseconds that threads may take to end once they have been told to. */
const STOP_MS = 10_000;

/** The threads of one job. A pool lives as long as a call of `fit`, and leaves no thread behind. */
export class WorkerPool {
  readonly #control: Control;
  /** Why the threads were killed, or one that had nothing to do failed. */
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

  /** Starts one thread for each worker of the job. */
  static async start(job: Job): Promise<WorkerPool> {
    // Loaded here, so that importing the package does not wait for it.
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
   * Runs one task on every worker, and gives what they returned, by rank. Rejects with the first failure, when all workers
   * have come back, or, where they are being ended, are gone.
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
    // The tasks of threads that are being ended fail at once, while the threads may still be at work.
    await this.#stopped;
    const cause = this.#reason ?? failures.find((error) => !isReleased(error)) ?? failures[0];
    if (cause !== undefined) throw explained(cause);
    return results;
  }

  /** Asks the workers to stop after the step under way. */
  requestStop(): void {
    this.#control.requestStop();
  }

  /** Ends all threads, although they may not listen; what they were asked for is rejected with this error. */
  kill(error: Error): void {
    this.#reason ??= error;
    void this.stop();
  }

  /**
   * Ends all threads, and says whether they are gone. A thread that is in native code ends when it comes back, and is not
   * waited for longer than ten seconds.
   */
  stop(): Promise<boolean> {
    // Piscina starts new threads for those that end when it is told twice.
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<boolean> {
    this.#control.abort();
    const gone = this.piscina.destroy().then(() => true);
    return Promise.race([gone, pause(STOP_MS, false, { ref: false })]);
  }
}
