import type { BoundPlan } from '../protocol/job.js';
import { BoundExecutable } from './bound-executable.js';
import type { WorkerMemory } from './local-memory.js';
import type { Recorder } from './recorder.js';

/**
 * The plans of one worker by the row counts of its shards. Shards that run together each use an instance of the plan,
 * from 0 on, with its own memory.
 */
export class ExecutableInstances {
  readonly #executables: Map<number, BoundExecutable>[] = [];

  /**
   * @param plans by row count; the map may grow later
   * @param memory of each instance, shared with the other plans of the worker
   */
  constructor(
    private readonly plans: ReadonlyMap<number, BoundPlan>,
    private readonly memory: WorkerMemory,
    private readonly recorder?: Recorder,
  ) {}

  /** An instance of the plan for a number of rows. */
  get(rows: number, instance: number): BoundExecutable {
    this.#executables[instance] ??= new Map();
    const executables = this.#executables[instance];
    let executable = executables.get(rows);
    if (!executable) {
      const bound = this.plans.get(rows);
      if (!bound) throw new RangeError(`there is no plan for ${rows} rows`);
      executable = new BoundExecutable(bound, this.memory.instance(instance), this.recorder);
      executables.set(rows, executable);
    }
    return executable;
  }

  /** Frees the instances for a number of rows, which may be needed again. */
  forget(rows: number): void {
    for (const executables of this.#executables) {
      executables?.get(rows)?.release();
      executables?.delete(rows);
    }
  }

  /** Frees all of them. */
  release(): void {
    for (const executables of this.#executables) {
      for (const executable of executables?.values() ?? []) executable.release();
    }
    this.#executables.length = 0;
  }
}
