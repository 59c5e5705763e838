import type { TypedArray } from '../../graph/dtype.js';
import type { Snapshot } from '../protocol/job.js';
import { shardRows } from '../protocol/shards.js';
import { viewInto } from '../protocol/shared-memory.js';

/** Copies one worker's parts of what a checkpoint is saved from. */
export class SnapshotCopier {
  readonly #pairs: readonly (readonly [from: TypedArray, to: TypedArray])[];

  constructor(snapshot: Snapshot | undefined) {
    this.#pairs = (snapshot?.copies ?? []).map(({ from, to }) => [viewInto(from), viewInto(to)]);
  }

  /** The share of worker `rank` of so many. */
  copy(rank: number, workers: number): void {
    for (const [from, to] of this.#pairs) {
      const { start, count } = shardRows(from.length, workers, rank);
      to.set(from.subarray(start, start + count), start);
    }
  }
}
