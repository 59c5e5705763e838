import { Control } from './control.js';
import type { EvaluationJob, Job } from './job.js';
import type { RowLoader } from './loader.js';
import { batchCount, shardRows } from './shards.js';
import { inOrder, ShardRunner } from './train-epoch.js';

/** One worker's part of an evaluation: a run of neighbouring batches. */
export class Evaluator {
  readonly #control: Control;
  readonly #runner: ShardRunner;
  readonly #order: Int32Array;
  readonly #sums: Float64Array;

  constructor(
    private readonly job: Job,
    private readonly evaluation: EvaluationJob,
    loader: RowLoader,
  ) {
    this.#control = new Control(job.control);
    this.#runner = new ShardRunner(evaluation, loader);
    this.#order = inOrder(evaluation.length);
    this.#sums = new Float64Array(evaluation.sums);
  }

  /** Adds up the figures over this worker's batches, each weighted by its rows. Returns early when asked to stop. */
  run(rank: number): void {
    const { figures, length, batchSize } = this.evaluation;
    const mine = this.#sums.subarray(rank * figures.length, (rank + 1) * figures.length).fill(0);
    const batches = shardRows(batchCount(length, batchSize), this.job.workers, rank);
    for (let batch = batches.start; batch < batches.start + batches.count; batch++) {
      if (this.#control.stopRequested) return;
      const start = batch * batchSize;
      const count = Math.min(batchSize, length - start);
      const rows = { start, count };
      const executable = this.#runner.load({ order: this.#order, batch: rows, rows, epoch: 0 });
      executable.run(null, { seed: this.job.seed, step: 0, sampleOffset: start });
      figures.forEach((name, i) => {
        mine[i] = (mine[i] as number) + count * (executable.array(name)[0] as number);
      });
    }
  }
}
