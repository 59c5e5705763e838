import { Control } from '../protocol/control.js';
import { inOrder } from '../protocol/epoch-order.js';
import type { EvaluationJob, Job } from '../protocol/job.js';
import { batchCount, shardRows } from '../protocol/shards.js';
import type { RowLoader } from './loader.js';
import type { WorkerMemory } from './local-memory.js';
import { ShardRunner } from './shard-runner.js';

/** One worker's part of an evaluation: a range of consecutive batches. */
export class Evaluator {
  readonly #control: Control;
  readonly #runner: ShardRunner;
  readonly #order: Int32Array;
  readonly #values: Float64Array;

  constructor(
    private readonly job: Job,
    private readonly evaluation: EvaluationJob,
    loader: RowLoader,
    memory: WorkerMemory,
  ) {
    this.#control = new Control(job.control);
    this.#runner = new ShardRunner(evaluation, loader, memory);
    this.#order = inOrder(evaluation.length);
    this.#values = new Float64Array(evaluation.values);
  }

  /** Stores the figures of this worker's batches. Returns early if a stop is requested. */
  run(rank: number): void {
    const { figures, length, batchSize } = this.evaluation;
    const batches = shardRows(batchCount(length, batchSize), this.job.workers, rank);
    for (let batch = batches.start; batch < batches.start + batches.count; batch++) {
      this.#control.waitWhilePaused();
      if (this.#control.stopRequested) return;
      const start = batch * batchSize;
      const rows = { start, count: Math.min(batchSize, length - start) };
      const executable = this.#runner.load({ order: this.#order, batch: rows, rows, epoch: 0 });
      executable.run(null, { seed: this.job.seed, step: 0, sampleOffset: start });
      figures.forEach((name, i) => {
        this.#values[batch * figures.length + i] = executable.array(name)[0] as number;
      });
    }
  }
}
