import type { BoundPlan } from '../protocol/job.js';
import { BoundExecutable } from './bound-executable.js';
import type { WorkerMemory } from './local-memory.js';
import type { Recorder } from './recorder.js';

/**
 * The plans of one worker for the numbers of rows that shards can have. Shards that run together each have an instance of
 * the plan, from 0 on, with memory of its own.
 */
export class ExecutableInstances {
  readonly #executables: Map<number, BoundExecutable>[] = [];

  /**
   * @param plans by the number of rows; others may come later
   * @param memory of each instance, which other plans of the worker use, too
   */
  constructor(
    private readonly plans: ReadonlyMap<number, BoundPlan>,
    private readonly memory: WorkerMemory,
    private readonly recorder?: Recorder,
  ) {}

  /** The plan for so many rows, in an instance. */
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
}
