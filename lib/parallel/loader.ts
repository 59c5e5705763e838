import type { TypedArray } from '../graph/dtype.js';
import { sizeOf } from '../graph/shapes.js';
import { addon } from '../runtime/addon.js';
import type { ShardedData } from './job.js';
import type { Rows } from './shards.js';

/** Which rows to load. */
export interface RowsRequest {
  /** The indices of all samples, in the order of the epoch. */
  readonly order: Int32Array;
  /** The whole batch, which the rows are a part of. */
  readonly batch: Rows;
  /** The rows to load, counted in the order as the batch is. */
  readonly rows: Rows;
  readonly epoch: number;
}

/** Where rows go: the inputs of a plan. */
export interface RowsTarget {
  readonly inputs: TypedArray;
  readonly targets: TypedArray;
}

/** Brings the rows of a data set to the inputs of plans; each worker has its own. */
export class RowLoader {
  private constructor(private readonly data: ShardedData) {}

  /** Opens what the data are read from. */
  static async open(data: ShardedData, _seed: number): Promise<RowLoader> {
    return new RowLoader(data);
  }

  load({ order, rows }: RowsRequest, target: RowsTarget): void {
    for (const name of ['inputs', 'targets'] as const) {
      const { data, shape } = this.data[name];
      addon.gatherRows(target[name], data, order, rows.start, rows.count, sizeOf(shape));
    }
  }
}
