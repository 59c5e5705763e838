import type { TypedArray } from '../../graph/dtype.js';
import { Control } from '../protocol/control.js';
import { inOrder } from '../protocol/epoch-order.js';
import type { EvaluationJob, Job } from '../protocol/job.js';
import { MergeOrder } from '../protocol/merge-order.js';
import { batchCount, shardRows } from '../protocol/shards.js';
import { columnsAt, statesAt } from '../protocol/states.js';
import { BoundExecutable } from './bound-executable.js';
import type { RowLoader } from './loader.js';
import type { WorkerMemory } from './local-memory.js';
import { ShardRunner } from './shard-runner.js';

/** One worker's part of an evaluation: a range of consecutive batches. */
export class Evaluator {
  readonly #control: Control;
  readonly #runner: ShardRunner;
  readonly #order: Int32Array;
  readonly #merge: BoundExecutable;
  /** The tensors of the state at each place of this worker. */
  readonly #places: TypedArray[][] = [];

  constructor(
    private readonly job: Job,
    private readonly evaluation: EvaluationJob,
    loader: RowLoader,
    memory: WorkerMemory,
  ) {
    this.#control = new Control(job.control);
    this.#runner = new ShardRunner(evaluation, loader, memory);
    this.#order = inOrder(evaluation.length);
    this.#merge = new BoundExecutable(evaluation.merge, memory.instance(0));
  }

  /** Merges the states of this worker's batches. Returns early if a stop is requested. */
  run(rank: number): void {
    const { length, batchSize } = this.evaluation;
    const count = batchCount(length, batchSize);
    const batches = shardRows(count, this.job.workers, rank);
    const order = new MergeOrder(count, (place) => this.#mergeAt(rank, place));
    for (let batch = batches.start; batch < batches.start + batches.count; batch++) {
      this.#control.waitWhilePaused();
      if (this.#control.stopRequested) return;
      const start = batch * batchSize;
      const rows = { start, count: Math.min(batchSize, length - start) };
      const executable = this.#runner.load({ order: this.#order, batch: rows, rows, epoch: 0 });
      executable.run(null, { seed: this.job.seed, step: 0, sampleOffset: start });
      this.#at(rank, order.next).forEach((place, i) => {
        place.set(executable.array(`state ${i}`));
      });
      columnsAt(this.evaluation, rows).forEach((column, i) => {
        column.set(executable.array(`column ${i}`));
      });
      order.add({ level: 0, index: batch });
    }
  }

  #mergeAt(rank: number, place: number): void {
    const [left, right] = [this.#at(rank, place), this.#at(rank, place + 1)];
    left.forEach((values, i) => {
      this.#merge.array(`left ${i}`).set(values);
      this.#merge.array(`right ${i}`).set(right[i] as TypedArray);
    });
    this.#merge.run(null, { seed: this.job.seed, step: 0 });
    left.forEach((values, i) => {
      values.set(this.#merge.array(`merged ${i}`));
    });
  }

  #at(rank: number, place: number): TypedArray[] {
    this.#places[place] ??= statesAt(this.evaluation, rank * this.evaluation.places + place);
    return this.#places[place];
  }
}
