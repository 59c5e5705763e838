import type { Piscina } from 'piscina';
import { ask } from '../parallel/prepare/ask.js';
import { compiledModule } from '../runtime/package-root.js';

/** Threads of which each does the same work at the same time. */
export class MeasuringThreads {
  readonly #pool: Piscina;

  private constructor(
    pool: Piscina,
    readonly count: number,
  ) {
    this.#pool = pool;
  }

  /** @param module a compiled module whose default export takes the tasks, such as `lib/profile/peak-worker.js` */
  static async start(module: string, count: number): Promise<MeasuringThreads> {
    const { Piscina } = await import('piscina');
    const filename = compiledModule(module).href;
    const options = { minThreads: count, maxThreads: count, concurrentTasksPerWorker: 1 };
    return new MeasuringThreads(new Piscina({ filename, ...options }), count);
  }

  /** Gives every thread the task, and returns what each of them made of it. */
  each<T>(task: unknown): Promise<T[]> {
    return Promise.all(Array.from({ length: this.count }, () => ask<T>(this.#pool, task)));
  }

  stop(): Promise<void> {
    return this.#pool.destroy();
  }
}
