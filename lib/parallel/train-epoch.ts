import { invalid } from '../graph/errors.js';
import { permutation } from '../graph/random.js';
import { BoundExecutable, LocalMemory } from './bound-plan.js';
import { Control } from './control.js';
import type { Job, ShardedData, TrainingJob } from './job.js';
import type { RowLoader, RowsRequest } from './loader.js';
import type { Recorder } from './recorder.js';
import { batchCount, shardRows } from './shards.js';
import { Updater } from './updater.js';

/** The plans of some data in one worker, and the loading of their rows. */
export class ShardRunner {
  readonly local = new LocalMemory();
  readonly #executables = new Map<number, BoundExecutable>();

  constructor(
    private readonly data: ShardedData,
    private readonly loader: RowLoader,
    private readonly recorder?: Recorder,
  ) {}

  /** The plan for so many rows, with these rows as its inputs. */
  load(request: RowsRequest): BoundExecutable {
    const { count } = request.rows;
    let executable = this.#executables.get(count);
    if (!executable) {
      const bound = this.data.plans.get(count);
      if (!bound) throw new RangeError(`there is no plan for ${count} rows`);
      executable = new BoundExecutable(bound, this.local, this.recorder);
      this.#executables.set(count, executable);
    }
    this.loader.load(request, {
      inputs: executable.array('inputs'),
      targets: executable.array('targets'),
    });
    return executable;
  }
}

/** One worker's part of training: its shards of each batch, and its share of the update. */
export class EpochTrainer {
  readonly #control: Control;
  readonly #runner: ShardRunner;
  readonly #shardLosses: Float64Array;
  readonly #losses: Float64Array;
  readonly #updater: Updater;

  constructor(
    private readonly job: Job,
    private readonly training: TrainingJob,
    loader: RowLoader,
    private readonly recorder?: Recorder,
  ) {
    this.#control = new Control(job.control);
    this.#runner = new ShardRunner(training, loader, recorder);
    this.#shardLosses = new Float64Array(training.shardLosses);
    this.#losses = new Float64Array(training.losses);
    this.#updater = new Updater(job, training, this.#runner.local, recorder);
  }

  /**
   * Trains one epoch, meeting the other workers twice a step, and once more where the norm of the gradients is clipped.
   * Returns early when a stop was asked for.
   */
  run(rank: number, epoch: number, firstStep: number): void {
    const { length, batchSize, shuffle } = this.training;
    const order = shuffle ? permutation(length, this.job.seed, epoch) : inOrder(length);
    const steps = batchCount(length, batchSize);
    for (let step = 0; step < steps; step++) {
      const start = step * batchSize;
      const rows = Math.min(batchSize, length - start);
      this.recorder?.begin(step);
      this.#computeGradients(rank, { order, batch: { start, count: rows }, epoch }, firstStep + step);
      this.#control.meet(this.job.workers);
      this.recorder?.end('wait');
      const loss = this.#finiteLoss(rows, epoch, step);
      this.#updater.run(rank, rows, { step, firstStep });
      if (rank === 0) {
        this.#losses[step] = loss;
        this.#control.stepsDone = step + 1;
        this.#control.decide();
      }
      this.#control.meet(this.job.workers);
      this.recorder?.end('wait');
      if (this.#control.decidedToStop) return;
    }
  }

  #computeGradients(rank: number, request: Omit<RowsRequest, 'rows'>, step: number): void {
    const { batch } = request;
    const { gradients } = this.training;
    const shards = gradients.length;
    const mine = shardRows(shards, this.job.workers, rank);
    for (let shard = mine.start; shard < mine.start + mine.count; shard++) {
      const { start, count } = shardRows(batch.count, shards, shard);
      this.#shardLosses[shard] = 0;
      if (count === 0) continue;
      const executable = this.#runner.load({ ...request, rows: { start: batch.start + start, count } });
      this.recorder?.end('load');
      // Each shard's mean counts by its share of the batch, so that unequal shards weigh right.
      executable.array('weight')[0] = count / batch.count;
      executable.run(gradients[shard] ?? null, { seed: this.job.seed, step, sampleOffset: start });
      this.#shardLosses[shard] = executable.array('loss')[0] as number;
      this.recorder?.end('gradients');
    }
  }

  /** The loss of the whole batch, added in the order of the shards; the same in every worker. */
  #finiteLoss(rows: number, epoch: number, step: number): number {
    const used = Math.min(this.#shardLosses.length, rows);
    let loss = 0;
    for (let shard = 0; shard < this.#shardLosses.length; shard++) loss += this.#shardLosses[shard] as number;
    if (used > 0 && Number.isFinite(loss)) return loss;
    throw invalid(
      'fit',
      `the loss must stay finite, but was ${loss} at epoch ${epoch}, step ${step}; a smaller learning rate or ` +
        'gradient clipping may help. The parameters are those of the step before',
    );
  }
}

/** The samples as they stand. */
export function inOrder(length: number): Int32Array {
  const order = new Int32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  return order;
}
