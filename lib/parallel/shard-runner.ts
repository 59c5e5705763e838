import { BoundExecutable, LocalMemory } from './bound-plan.js';
import type { ShardedData } from './job.js';
import type { RowLoader, RowsRequest } from './loader.js';
import type { Recorder } from './recorder.js';

/** The plans of some data in one worker, and the loading of their rows. */
export class ShardRunner {
  readonly local = new LocalMemory();
  readonly #executables = new Map<number, BoundExecutable>();
  #loadedAhead: RowsRequest | undefined;

  constructor(
    private readonly data: ShardedData,
    private readonly loader: RowLoader,
    private readonly recorder?: Recorder,
  ) {}

  /** The plan for so many rows, with these rows as its inputs. */
  load(request: RowsRequest): BoundExecutable {
    const executable = this.#executableFor(request.rows.count);
    if (!isSame(this.#loadedAhead, request)) this.#fill(executable, request);
    this.#loadedAhead = undefined;
    return executable;
  }

  /** Loads rows that will be asked for next, while there is nothing else to do. */
  loadAhead(request: RowsRequest): void {
    try {
      this.#fill(this.#executableFor(request.rows.count), request);
      this.#loadedAhead = request;
    } catch {
      // Whatever is wrong will be so when the rows are needed, and be reported with the step that needs them.
      this.#loadedAhead = undefined;
    }
  }

  #fill(executable: BoundExecutable, request: RowsRequest): void {
    this.loader.load(request, { inputs: executable.array('inputs'), targets: executable.array('targets') });
  }

  #executableFor(count: number): BoundExecutable {
    let executable = this.#executables.get(count);
    if (!executable) {
      const bound = this.data.plans.get(count);
      if (!bound) throw new RangeError(`there is no plan for ${count} rows`);
      executable = new BoundExecutable(bound, this.local, this.recorder);
      this.#executables.set(count, executable);
    }
    return executable;
  }
}

function isSame(ahead: RowsRequest | undefined, { order, rows }: RowsRequest): boolean {
  return ahead?.order === order && ahead.rows.start === rows.start && ahead.rows.count === rows.count;
}
