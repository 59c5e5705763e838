import { setTimeout as pause } from 'node:timers/promises';
import type { Piscina } from 'piscina';
import { invalid } from '../graph/errors.js';
import { compiledModule } from '../runtime/package-root.js';
import { Control, isReleased } from './control.js';
import type { Job, Task } from './job.js';
import type { Timeline } from './recorder.js';

/** Says what it means that a thread is gone; other errors come from within a worker, and say so themselves. */
function explained(cause: unknown): unknown {
  if (!(cause instanceof Error) || !cause.message.startsWith('worker exited')) return cause;
  const error = invalid('parallel', `a worker thread was ended before its work was done (${cause.message})`);
  error.cause = cause;
  return error;
}

/** Milliseconds that threads may take to end. */
const STOP_MS = 10_000;

/** The threads of one job. A pool lives as long as a call of `fit`, and leaves no thread behind. */
export class WorkerPool {
  readonly #control: Control;
  /** Why the threads were killed. */
  #reason: Error | undefined;
  readonly #killed = withResolvers<never>();

  private constructor(
    private readonly piscina: Piscina,
    private readonly job: Job,
  ) {
    this.#control = new Control(job.control);
    // Whoever runs a task hears of it; without one there is nobody to tell.
    this.#killed.promise.catch(() => {});
  }

  /** Starts one thread for each worker of the job. */
  static async start(job: Job): Promise<WorkerPool> {
    // Loaded here, so that importing the package does not wait for it.
    const { Piscina } = await import('piscina');
    const piscina = new Piscina({
      filename: compiledModule('lib/parallel/worker.js').href,
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
   * have come back, or the threads were killed.
   */
  async run(taskOf: (rank: number) => Task): Promise<(Timeline | undefined)[]> {
    const failures: unknown[] = [];
    const tasks = Array.from({ length: this.job.workers }, (_, rank) =>
      this.piscina.run(taskOf(rank)).catch((error: unknown): undefined => {
        failures.push(error);
        // A worker that was terminated could not release the others itself.
        this.#control.abort();
      }),
    );
    const results = (await Promise.race([Promise.all(tasks), this.#killed.promise])) as (
      | Timeline
      | undefined
    )[];
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
    void this.stop().finally(() => this.#killed.reject(error));
  }

  /** Ends all threads. One that is stuck in native code would never come back, and is not waited for. */
  async stop(): Promise<void> {
    this.#control.abort();
    await Promise.race([this.piscina.destroy(), pause(STOP_MS, undefined, { ref: false })]);
  }
}

/** As Promise.withResolvers of later versions of Node. */
function withResolvers<T>() {
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((_, no) => {
    reject = no;
  });
  return { promise, reject };
}
