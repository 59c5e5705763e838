import type { ShardedData } from '../protocol/job.js';
import type { BoundExecutable } from './bound-executable.js';
import { ExecutableInstances } from './executable-instances.js';
import type { RowLoader, RowsRequest } from './loader.js';
import type { WorkerMemory } from './local-memory.js';
import type { Recorder } from './recorder.js';

/** The plans of some data in one worker, and the loading of their rows. */
export class ShardRunner {
  readonly #plans: ExecutableInstances;
  /** What was loaded into the first instance before it was asked for. */
  #ahead: RowsRequest | undefined;

  constructor(
    { plans }: ShardedData,
    private readonly loader: RowLoader,
    memory: WorkerMemory,
    recorder?: Recorder,
  ) {
    this.#plans = new ExecutableInstances(plans, memory, recorder);
  }

  /** Loads anew what is asked for next: other plans have used the memory since. */
  begin(): void {
    this.#ahead = undefined;
  }

  /** The plan for so many rows, with these rows as its inputs. */
  load(request: RowsRequest, instance = 0): BoundExecutable {
    const executable = this.#plans.get(request.rows.count, instance);
    if (instance > 0 || !isSame(this.#ahead, request)) this.#fill(executable, request);
    if (instance === 0) this.#ahead = undefined;
    return executable;
  }

  /** Loads rows that will be asked for next, while there is nothing else to do. */
  loadAhead(request: RowsRequest): void {
    this.#ahead = undefined;
    try {
      this.#fill(this.#plans.get(request.rows.count, 0), request);
      this.#ahead = request;
    } catch {
      // Whatever is wrong will be so when the rows are needed, and be reported with the step that needs them.
    }
  }

  #fill(executable: BoundExecutable, request: RowsRequest): void {
    this.loader.load(request, { inputs: executable.array('inputs'), targets: executable.array('targets') });
  }
}

function isSame(ahead: RowsRequest | undefined, { order, rows }: RowsRequest): boolean {
  return ahead?.order === order && ahead.rows.start === rows.start && ahead.rows.count === rows.count;
}
