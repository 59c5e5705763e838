import { BoundExecutable, LocalMemory } from './bound-plan.js';
import type { ShardedData } from './job.js';
import type { RowLoader, RowsRequest } from './loader.js';
import type { Recorder } from './recorder.js';

/** Memory and executables for one shard at a time. */
interface Instance {
  readonly local: LocalMemory;
  readonly executables: Map<number, BoundExecutable>;
  /** What was loaded before it was asked for. */
  ahead?: RowsRequest | undefined;
}

/**
 * The plans of some data in one worker, and the loading of their rows. Shards that run together each have an instance of the
 * plan, with memory of its own.
 */
export class ShardRunner {
  readonly #instances: Instance[] = [];

  constructor(
    private readonly data: ShardedData,
    private readonly loader: RowLoader,
    private readonly recorder?: Recorder,
  ) {}

  /** The plan for so many rows, with these rows as its inputs. */
  load(request: RowsRequest, instance = 0): BoundExecutable {
    const own = this.#instance(instance);
    const executable = this.#executableFor(request.rows.count, own);
    if (!isSame(own.ahead, request)) this.#fill(executable, request);
    own.ahead = undefined;
    return executable;
  }

  /** Loads rows that will be asked for next, while there is nothing else to do. */
  loadAhead(request: RowsRequest): void {
    const own = this.#instance(0);
    own.ahead = undefined;
    try {
      this.#fill(this.#executableFor(request.rows.count, own), request);
      own.ahead = request;
    } catch {
      // Whatever is wrong will be so when the rows are needed, and be reported with the step that needs them.
    }
  }

  #instance(index: number): Instance {
    this.#instances[index] ??= { local: new LocalMemory(), executables: new Map() };
    return this.#instances[index];
  }

  #fill(executable: BoundExecutable, request: RowsRequest): void {
    this.loader.load(request, { inputs: executable.array('inputs'), targets: executable.array('targets') });
  }

  #executableFor(count: number, { local, executables }: Instance): BoundExecutable {
    let executable = executables.get(count);
    if (!executable) {
      const bound = this.data.plans.get(count);
      if (!bound) throw new RangeError(`there is no plan for ${count} rows`);
      executable = new BoundExecutable(bound, local, this.recorder);
      executables.set(count, executable);
    }
    return executable;
  }
}

function isSame(ahead: RowsRequest | undefined, { order, rows }: RowsRequest): boolean {
  return ahead?.order === order && ahead.rows.start === rows.start && ahead.rows.count === rows.count;
}
