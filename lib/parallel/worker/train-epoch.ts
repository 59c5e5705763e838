import { addon } from '../../runtime/addon.js';
import { Control } from '../protocol/control.js';
import { orderOf, stretchOf } from '../protocol/epoch-order.js';
import type { BoundPlan, EpochStart, EpochStretch, Job, TrainingJob } from '../protocol/job.js';
import { lossNotFinite } from '../protocol/non-finite.js';
import { planReductionTree, type ReductionTree } from '../protocol/reduction-tree.js';
import { batchCount, presentShards, type Rows, shardRows } from '../protocol/shards.js';
import { BatchRunner } from './batch-runner.js';
import type { RowLoader, RowsRequest } from './loader.js';
import type { WorkerMemory } from './local-memory.js';
import type { Recorder } from './recorder.js';
import { ShardRunner } from './shard-runner.js';
import { SnapshotCopier } from './snapshot.js';
import { type StepToUpdate, Updater } from './updater.js';

/** A step of the current epoch. */
interface Step {
  readonly index: number;
  /** Index counted over all epochs. */
  readonly global: number;
  readonly batch: Rows;
  readonly present: readonly boolean[];
  readonly active: number;
  readonly tree: ReductionTree;
}

/** One worker's part of training: its shards of each batch, and its shares of the update. */
export class EpochTrainer {
  readonly #control: Control;
  readonly #runner: ShardRunner;
  readonly #shardLosses: Float64Array;
  readonly #losses: Float64Array;
  readonly #updater: Updater;
  readonly #copier: SnapshotCopier;
  readonly #batches: BatchRunner;
  readonly #trees = new Map<string, Pick<Step, 'present' | 'tree'>>();
  /** Plans by row count. */
  readonly #plans: Map<number, BoundPlan>;
  /** Order of the samples in the epoch. */
  #order: Int32Array = new Int32Array();
  #stretch: EpochStretch;

  constructor(
    private readonly job: Job,
    private readonly training: TrainingJob,
    loader: RowLoader,
    memory: WorkerMemory,
    private readonly recorder?: Recorder,
  ) {
    this.#control = new Control(job.control);
    this.#plans = new Map(training.plans);
    this.#stretch = stretchOf(training, { epoch: 0, firstStep: 0 });
    this.#runner = new ShardRunner({ ...training, plans: this.#plans }, loader, memory, recorder);
    this.#shardLosses = new Float64Array(training.shardLosses);
    this.#losses = new Float64Array(training.losses);
    this.#batches = new BatchRunner(training.gradients, training.together, recorder);
    this.#updater = new Updater(job, training, this.#control, memory.instance(0), recorder);
    this.#copier = new SnapshotCopier(training.snapshot);
  }

  /**
   * Trains one epoch, or a stretch or the rest of one. Each step has two barriers, and a third if the norm of the
   * gradients is clipped. Returns early if a stop is requested.
   */
  run(rank: number, start: EpochStart): void {
    const { epoch, startStep = 0, finish = false, plans = [] } = start;
    for (const [rows, plan] of plans) this.#plans.set(rows, plan);
    this.#runner.begin();
    this.#order = orderOf({ seed: this.job.seed, training: this.training }, start);
    this.#stretch = stretchOf(this.training, start);
    const steps = this.#stretch.firstStep + batchCount(this.#stretch.count, this.training.batchSize);
    for (let index = startStep; index < steps; index++) {
      const pauseFirst = index === startStep ? !finish : this.#control.decidedToPause;
      if (pauseFirst && !this.#begin(rank)) return;
      const step = this.#stepAt(index, start);
      this.recorder?.begin(index);
      if (!(finish && index === startStep)) {
        this.#computeGradients(rank, step, epoch);
        if (index + 1 < steps) this.#loadAhead(rank, this.#stepAt(index + 1, start), epoch);
      }
      this.#meet(rank);
      if (rank === 0) this.#control.completeSnapshot();
      const loss = this.#lossOf(step, epoch);
      // Before the update, so that the loss of every completed step is known.
      if (rank === 0) this.#losses[index] = loss;
      this.#updater.run(rank, {
        step: index,
        globalStep: step.global,
        program: step.tree.program,
        active: step.active,
        skip: this.#skipOf(step, loss),
      });
      if (rank === 0) this.#decide(step);
      this.#meet(rank);
      if (this.#control.copying && rank < step.active) this.#copier.copy(rank, step.active);
      if (this.#control.decidedToStop) return;
    }
  }

  /** Waits for the end of a pause, then returns the same in all workers: true to begin. */
  #begin(rank: number): boolean {
    if (rank === 0) {
      this.#control.waitWhilePaused();
      this.#control.decideToBegin();
    }
    this.#control.meet(this.job.workers, rank);
    return this.#control.decidedToBegin;
  }

  #meet(rank: number): void {
    this.#control.meet(this.job.workers, rank);
    this.recorder?.end('wait');
  }

  #stepAt(index: number, { firstStep }: EpochStart): Step {
    const { batchSize } = this.training;
    const { firstStep: first, start: firstRow, count } = this.#stretch;
    const row = (index - first) * batchSize;
    const batch = { start: firstRow + row, count: Math.min(batchSize, count - row) };
    const global = firstStep + index;
    const active = this.#control.activeAt(global);
    const { present, tree } = this.#treeOf(batch.count, active);
    return { index, global, batch, present, active, tree };
  }

  #treeOf(rows: number, active: number) {
    const key = `${rows}/${active}`;
    let known = this.#trees.get(key);
    if (!known) {
      const present = presentShards(rows, this.training.shards);
      known = { present, tree: planReductionTree(present, active) };
      this.#trees.set(key, known);
    }
    return known;
  }

  #computeGradients(rank: number, { batch, global, tree }: Step, epoch: number): void {
    const { shards } = this.training;
    this.#batches.run(
      tree.work[rank] ?? [],
      { count: batch.count, shards, seed: this.job.seed, step: global },
      {
        load: (shard, instance) => this.#runner.load(this.#requestOf(shard, batch, epoch), instance),
        finish: (shard, executable) => {
          this.#shardLosses[shard] = executable.array('loss')[0] as number;
        },
      },
    );
  }

  /** Loads the first rows of the next step before the other workers are ready for it. */
  #loadAhead(rank: number, next: Step, epoch: number): void {
    const first = next.tree.work[rank]?.[0]?.shards[0];
    if (first === undefined) return;
    this.#runner.loadAhead(this.#requestOf(first, next.batch, epoch));
    this.recorder?.end('load');
  }

  #requestOf(shard: number, batch: Rows, epoch: number): RowsRequest {
    const { start, count } = shardRows(batch.count, this.training.shards, shard);
    const indexOffset = this.#stretch.firstItem - this.#stretch.start;
    return { order: this.#order, batch, rows: { start: batch.start + start, count }, epoch, indexOffset };
  }

  /** Decides about the next step, between the two barriers of this one. */
  #decide({ index, global }: Step): void {
    const { cores, snapshot } = this.training;
    this.#control.stepsDone = index + 1;
    this.#control.decide();
    if (cores !== undefined) {
      this.#control.setActiveAt(global + 1, activeWorkers(this.job.workers, cores));
    }
    if (!snapshot) return;
    const { everySteps } = snapshot;
    this.#control.decideSnapshot(everySteps !== undefined && (global + 1) % everySteps === 0, index + 1);
  }

  /** Loss of the whole batch, summed in shard order, so the same in every worker. NaN if the step is skipped. */
  #lossOf({ present, batch, index }: Step, epoch: number): number {
    let loss = 0;
    present.forEach((has, shard) => {
      if (has) loss += this.#shardLosses[shard] as number;
    });
    if (batch.count > 0 && Number.isFinite(loss)) return loss;
    if (this.training.nonFinite === 'skip') return Number.NaN;
    throw lossNotFinite(loss, epoch, index);
  }

  /**
   * Skips an update if all steps accumulated for it are skipped. If some of them belong to the previous epoch, at least
   * one is assumed not to be skipped.
   */
  #skipOf({ index, global }: Step, loss: number): StepToUpdate['skip'] {
    if (!Number.isNaN(loss)) return false;
    const first = index - (global % this.training.accumulate);
    return first >= 0 && this.#losses.subarray(first, index).every(Number.isNaN) ? 'update' : 'step';
  }
}

/** Fair number of workers for a training that shares `cores` cores with the other trainings of the process. */
export function activeWorkers(workers: number, cores: number): number {
  const fair = Math.floor(cores / Math.max(1, addon().trainings(0)));
  return Math.min(workers, Math.max(1, fair));
}
