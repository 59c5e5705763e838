import { stepError } from '../../graph/outcome.js';
import { WorkerPool } from '../prepare/pool.js';
import { Control } from '../protocol/control.js';
import type { Job, StepCall } from '../protocol/job.js';
import type { StepEntry } from './step-entry.js';

/** The threads of a data-parallel function, which are started on demand and kept. */
export class StepThreads {
  #pool: WorkerPool | undefined;
  /** Ids of the entries that the threads know. */
  readonly #ids = new Map<StepEntry, number>();
  readonly #forgotten: number[] = [];
  #lastId = 0;
  #lost = false;

  constructor(private readonly job: Omit<Job, 'control'>) {}

  /**
   * Runs an entry whose arguments are in place. If a worker fails, all threads are ended; an update that has begun by
   * then is finished by new threads.
   */
  async run(entry: StepEntry, step: number, optimizerStep: number): Promise<void> {
    const call = { step, optimizerStep };
    try {
      await this.#attempt(entry, call);
    } catch (error) {
      const gone = await this.#end();
      this.#lost ||= !gone;
      const { progress } = entry.layout;
      if (progress === 'none' || !gone) throw stepError('dataParallel', error);
      if (progress === 'begun') await this.#attempt(entry, { ...call, finish: true });
    }
  }

  /** Makes the threads forget an entry at the next call. */
  forget(entry: StepEntry): void {
    const id = this.#ids.get(entry);
    if (id !== undefined) this.#forgotten.push(id);
    this.#ids.delete(entry);
  }

  /** Frees all that the threads keep for entries that they are to forget, and memory that is then not needed. */
  async release(): Promise<void> {
    if (!this.#pool) return;
    const ids = this.#forgotten.splice(0);
    try {
      await this.#pool.run((rank) => ({ kind: 'forget', rank, ids }));
    } catch {
      // The threads of the next call are new ones, which have nothing to forget.
      this.#lost ||= !(await this.#end());
    }
  }

  /** True, once, if a thread failed to end when told to, and may still write to its memory. */
  takeLost(): boolean {
    const lost = this.#lost;
    this.#lost = false;
    return lost;
  }

  async close(): Promise<void> {
    await this.#end();
  }

  /** Ends the threads; true if all of them are gone. */
  async #end(): Promise<boolean> {
    const pool = this.#pool;
    this.#pool = undefined;
    this.#ids.clear();
    this.#forgotten.length = 0;
    return (await pool?.stop()) ?? true;
  }

  async #attempt(entry: StepEntry, call: Omit<StepCall, 'id' | 'forget'>): Promise<void> {
    this.#pool ??= await WorkerPool.start({ ...this.job, control: new Control().buffer });
    const known = this.#ids.get(entry);
    const id = known ?? ++this.#lastId;
    const definition = known === undefined ? entry.job : undefined;
    const forget = this.#forgotten.splice(0);
    await this.#pool.run((rank) => ({ kind: 'step', rank, id, definition, forget, ...call }));
    this.#ids.set(entry, id);
  }
}
