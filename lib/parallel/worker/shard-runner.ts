import type { ShardedData } from '../protocol/job.js';
import type { BoundExecutable } from './bound-executable.js';
import { ExecutableInstances } from './executable-instances.js';
import type { RowLoader, RowsRequest } from './loader.js';
import type { WorkerMemory } from './local-memory.js';
import type { Recorder } from './recorder.js';

/** Plans of a data set in one worker, with the loading of their rows. */
export class ShardRunner {
  readonly #plans: ExecutableInstances;
  readonly #columns: readonly string[];
  /** The rows loaded ahead into the first instance. */
  #ahead: RowsRequest | undefined;

  constructor(
    { plans, samples }: ShardedData,
    private readonly loader: RowLoader,
    memory: WorkerMemory,
    recorder?: Recorder,
  ) {
    this.#plans = new ExecutableInstances(plans, memory, recorder);
    this.#columns = Object.keys(samples.columns);
  }

  /** Discards the rows loaded ahead: other plans have used the memory since. */
  begin(): void {
    this.#ahead = undefined;
  }

  /** The plan for these rows, with the rows as its inputs. */
  load(request: RowsRequest, instance = 0): BoundExecutable {
    const executable = this.#plans.get(request.rows.count, instance);
    if (instance > 0 || !isSame(this.#ahead, request)) this.#fill(executable, request);
    if (instance === 0) this.#ahead = undefined;
    return executable;
  }

  /** Loads the rows that will be requested next, while the worker is idle. */
  loadAhead(request: RowsRequest): void {
    this.#ahead = undefined;
    try {
      this.#fill(this.#plans.get(request.rows.count, 0), request);
      this.#ahead = request;
    } catch {
      // The error recurs when the rows are needed, and is reported with the step that needs them.
    }
  }

  /** Frees the plans for a number of rows. */
  forget(rows: number): void {
    this.#plans.forget(rows);
  }

  #fill(executable: BoundExecutable, request: RowsRequest): void {
    const arrays = this.#columns.map((name) => [name, executable.array(name)]);
    this.loader.load(request, Object.fromEntries(arrays));
  }
}

function isSame(ahead: RowsRequest | undefined, { order, rows }: RowsRequest): boolean {
  return ahead?.order === order && ahead.rows.start === rows.start && ahead.rows.count === rows.count;
}
