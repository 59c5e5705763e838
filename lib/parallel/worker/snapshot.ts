import type { TypedArray } from '../../graph/dtype.js';
import type { Snapshot } from '../protocol/job.js';
import { shardRows } from '../protocol/shards.js';
import { viewInto } from '../protocol/shared-memory.js';

/** Copies one worker's parts of the training state for a checkpoint. */
export class SnapshotCopier {
  readonly #pairs: readonly (readonly [from: TypedArray, to: TypedArray])[];

  constructor(snapshot: Snapshot | undefined) {
    this.#pairs = (snapshot?.copies ?? []).map(({ from, to }) => [viewInto(from), viewInto(to)]);
  }

  /** Copies the share of worker `rank`, one of `workers`. */
  copy(rank: number, workers: number): void {
    for (const [from, to] of this.#pairs) {
      const { start, count } = shardRows(from.length, workers, rank);
      to.set(from.subarray(start, start + count), start);
    }
  }
}
