import type { LoadTarget } from '../../data/row-pipeline.js';
import { type LoadRequest, SampleLoader } from '../../data/sample-loader.js';
import type { ShardedData } from '../protocol/job.js';

/** The rows to load. */
export type RowsRequest = LoadRequest;

/** Destination of the rows: the inputs of a plan. */
export type RowsTarget = LoadTarget;

/** Loads the rows of a data set into the inputs of plans. Each worker has its own loader. */
export class RowLoader {
  readonly #skipped: Int32Array;

  private constructor(
    private readonly loader: SampleLoader,
    { skipped }: ShardedData,
  ) {
    this.#skipped = new Int32Array(skipped);
  }

  /** Opens the source of the data. */
  static async open(data: ShardedData, seed: number): Promise<RowLoader> {
    return new RowLoader(await SampleLoader.open(data.samples, seed), data);
  }

  load(request: RowsRequest, target: RowsTarget): void {
    const before = this.loader.skipped;
    this.loader.load(request, target);
    const skipped = this.loader.skipped - before;
    if (skipped > 0) Atomics.add(this.#skipped, 0, skipped);
  }
}
