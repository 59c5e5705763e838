import type { LoadTarget } from '../../data/row-pipeline.js';
import { type LoadRequest, SampleLoader } from '../../data/sample-loader.js';
import type { ShardedData } from '../protocol/job.js';

/** Which rows to load. */
export type RowsRequest = LoadRequest;

/** Where rows go: the inputs of a plan. */
export type RowsTarget = LoadTarget;

/** Brings the rows of a data set to the inputs of plans; each worker has its own. */
export class RowLoader {
  readonly #skipped: Int32Array;

  private constructor(
    private readonly loader: SampleLoader,
    { skipped }: ShardedData,
  ) {
    this.#skipped = new Int32Array(skipped);
  }

  /** Opens what the data are read from. */
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
