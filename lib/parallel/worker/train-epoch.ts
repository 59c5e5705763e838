import { at } from '../../graph/at.js';
import { Gate } from '../../runtime/access/gate.js';
import { addon } from '../../runtime/addon.js';
import { Control } from '../protocol/control.js';
import { orderOf, stretchOf } from '../protocol/epoch-order.js';
import type { BoundPlan, EpochStart, EpochStretch, Job, TrainingJob } from '../protocol/job.js';
import { gradientNotFinite, lossNotFinite, parametersNotFinite } from '../protocol/non-finite.js';
import { planReductionTree, type ReductionTree } from '../protocol/reduction-tree.js';
import { batchCount, presentShards, type Rows, shardRows } from '../protocol/shards.js';
import { viewInto } from '../protocol/shared-memory.js';
import { UpdateCount } from '../protocol/update-count.js';
import { BatchRunner } from './batch-runner.js';
import { GradientVerdict } from './gradient-verdict.js';
import type { RowLoader, RowsRequest } from './loader.js';
import type { WorkerMemory } from './local-memory.js';
import type { Recorder } from './recorder.js';
import { ShardRunner } from './shard-runner.js';
import { SnapshotCopier } from './snapshot.js';
import { Updater } from './updater.js';

/** Most reduction trees that are kept, each for a number of rows: those of a stream's last batches may be many. */
const MOST_TREES = 64;

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
  readonly #gate: Gate;
  readonly #runner: ShardRunner;
  readonly #shardLosses: Float64Array;
  readonly #losses: Float64Array;
  readonly #verdict: GradientVerdict;
  readonly #weights: Float64Array | undefined;
  readonly #updater: Updater;
  readonly #copier: SnapshotCopier;
  readonly #batches: BatchRunner;
  readonly #trees = new Map<string, Pick<Step, 'present' | 'tree'>>();
  /** Plans by row count. */
  readonly #plans: Map<number, BoundPlan>;
  /** Order of the samples in the epoch. */
  #order: Int32Array = new Int32Array();
  #stretch: EpochStretch;
  #updates: UpdateCount;
  /** The updates not made before the epoch, which its scalars take into account. */
  #missedBefore = 0;

  constructor(
    private readonly job: Job,
    private readonly training: TrainingJob,
    loader: RowLoader,
    memory: WorkerMemory,
    private readonly recorder?: Recorder,
  ) {
    this.#control = new Control(job.control);
    this.#gate = new Gate(training.gate);
    this.#plans = new Map([...training.plans, ...plansAtOnce(training)]);
    this.#stretch = stretchOf(training, { epoch: 0, firstStep: 0 });
    this.#runner = new ShardRunner({ ...training, plans: this.#plans }, loader, memory, recorder);
    this.#shardLosses = new Float64Array(training.shardLosses);
    this.#losses = new Float64Array(training.losses);
    this.#weights = training.weights && new Float64Array(training.weights);
    this.#batches = new BatchRunner(training, this.#control, training.together, recorder);
    this.#verdict = new GradientVerdict(job, training, this.#control, memory.instance(0));
    this.#updates = new UpdateCount(training.accumulate);
    this.#updater = new Updater(job, training, this.#control, memory.instance(0), recorder);
    this.#copier = new SnapshotCopier(training.snapshot);
  }

  /**
   * Trains one epoch, or a stretch or the rest of one. Besides all-reduces, each step has two barriers, and a third if the
   * norm of the gradients is clipped or if they are very large. Returns early if a stop is requested.
   */
  run(rank: number, start: EpochStart): void {
    const { epoch, firstStep, startStep = 0, finish = false, plans = [] } = start;
    this.#usePlans(plans);
    this.#runner.begin();
    this.#order = orderOf({ seed: this.job.seed, training: this.training }, start);
    this.#stretch = stretchOf(this.training, start);
    this.#missedBefore = start.updates?.missed ?? 0;
    this.#updates = new UpdateCount(this.training.accumulate, start.updates).noteAll(
      firstStep,
      startStep,
      this.training,
    );
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
      this.#gate.close(this.job.workers, () => this.#control.aborted);
      this.#meet(rank);
      if (rank === 0) this.#control.completeSnapshot();
      const { loss, weight } = this.#judged(rank, step, epoch);
      const skipped = Number.isNaN(loss);
      this.#updates.note(step.global, weight);
      // Before the update, so that the loss of every completed step is known.
      if (rank === 0) this.#note(index, loss, weight);
      this.#updater.run(rank, {
        step: index,
        globalStep: step.global,
        scalars: index - (this.#updates.missed - this.#missedBefore) * this.training.accumulate,
        program: step.tree.program,
        rows: step.batch.count,
        active: step.active,
        weight,
        skip: skipped,
      });
      if (rank === 0) this.#decide(step);
      this.#meet(rank);
      if (rank === 0) this.#gate.open();
      if (this.#control.copying && rank < step.active) this.#copier.copy(rank, step.active);
      if (this.#control.decidedToStop) return;
    }
  }

  /** Uses further plans, instead of those that were for an earlier stretch only. */
  #usePlans(further: Iterable<readonly [number, BoundPlan]>): void {
    const next = new Map([...this.training.plans, ...plansAtOnce(this.training), ...further]);
    for (const rows of [...this.#plans.keys()]) {
      if (next.has(rows)) continue;
      this.#plans.delete(rows);
      this.#runner.forget(rows);
    }
    for (const [rows, plan] of next) if (!this.#plans.has(rows)) this.#plans.set(rows, plan);
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
      const { exchange } = this.training;
      known = {
        present,
        tree: planReductionTree(present, active, exchange !== undefined, this.#atOnce(rows)),
      };
      if (this.#trees.size === MOST_TREES) this.#trees.clear();
      this.#trees.set(key, known);
    }
    return known;
  }

  /** The numbers of shards of a batch that one plan computes at once. */
  #atOnce(rows: number): Set<number> {
    const { shards, atOnce } = this.training;
    return new Set(atOnce.rows === rows / shards ? atOnce.plans.keys() : []);
  }

  #computeGradients(rank: number, { batch, global, tree }: Step, epoch: number): void {
    const { shards, kind } = this.training;
    this.#batches.run(
      rank,
      tree,
      { count: batch.count, unit: this.#unit, shards, seed: this.job.seed, step: global },
      {
        load: (some, instance) => this.#runner.load(this.#requestOf(some, batch, epoch), instance),
        finish: (some, executable) => {
          const [losses, weights] = [
            executable.array('loss'),
            kind === 'ratio' && executable.array('lossWeight'),
          ];
          some.forEach((shard, i) => {
            this.#shardLosses[shard] = losses[i] as number;
            if (weights) this.#shardLosses[shards + shard] = weights[i] as number;
          });
        },
      },
    );
  }

  /** Loads the first rows of the next step before the other workers are ready for it. */
  #loadAhead(rank: number, next: Step, epoch: number): void {
    const first = next.tree.work[rank]?.[0]?.units[0];
    if (first === undefined) return;
    this.#runner.loadAhead(this.#requestOf(first, next.batch, epoch));
    this.recorder?.end('load');
  }

  #requestOf([first = 0, ...others]: readonly number[], batch: Rows, epoch: number): RowsRequest {
    const { start, count: each } = shardRows(batch.count, this.training.shards, first);
    const count = each * (1 + others.length);
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

  /** Steps that are accumulated for one update weigh as many rows as they have. */
  get #unit(): number | undefined {
    return this.training.accumulate > 1 ? this.training.batchSize : undefined;
  }

  /**
   * Loss of the whole batch and the weight of its gradients, the same in every worker. The loss is NaN if the step is
   * skipped, because the loss or the gradient is not finite.
   */
  #judged(rank: number, step: Step, epoch: number): { loss: number; weight: number } {
    const { index, global: globalStep, present, tree, batch } = step;
    const { loss, weight } = this.#lossOf(step);
    const judged = { globalStep, present, program: tree.program, rows: batch.count };
    if (Number.isFinite(loss) && this.#verdict.isFinite(rank, judged)) return { loss, weight };
    this.#requireFiniteParameters(epoch, index);
    if (this.training.nonFinite === 'skip') return { loss: Number.NaN, weight: 0 };
    throw (Number.isFinite(loss) ? gradientNotFinite : lossNotFinite)(loss, epoch, index);
  }

  /** Loss of the whole batch, summed in shard order, and the weight of its gradients; 0 if nothing in it has weight. */
  #lossOf({ present, batch }: Step): { loss: number; weight: number } {
    if (batch.count === 0) return { loss: Number.NaN, weight: 0 };
    const { kind, shards } = this.training;
    let [sum, weights] = [0, 0];
    present.forEach((has, shard) => {
      if (!has) return;
      sum += this.#shardLosses[shard] as number;
      weights += this.#shardLosses[shards + shard] as number;
    });
    const rows = this.#unit === undefined ? 1 : batch.count / this.#unit;
    const weight = kind === 'mean' ? rows : kind === 'ratio' ? weights : 1;
    if (weight === 0 && sum === 0) return { loss: 0, weight };
    return { loss: Number.isFinite(weight) ? sum / weight : Number.NaN, weight };
  }

  #note(step: number, loss: number, weight: number): void {
    this.#losses[step] = loss;
    if (this.#weights) this.#weights[step] = weight;
  }

  /** Parameters that are not finite would make every further step a bad one. */
  #requireFiniteParameters(epoch: number, step: number): void {
    const parameters = viewInto(at(this.training.state, 0));
    if (addon().largest(parameters, 0, parameters.length) < Number.POSITIVE_INFINITY) return;
    throw parametersNotFinite(epoch, step);
  }
}

/** Fair number of workers for a training that shares `cores` cores with the other trainings of the process. */
export function activeWorkers(workers: number, cores: number): number {
  const fair = Math.floor(cores / Math.max(1, addon().trainings(0)));
  return Math.min(workers, Math.max(1, fair));
}

/** The plans for several shards by the number of their rows, which is more than a single shard has. */
function plansAtOnce({ atOnce }: TrainingJob): [number, BoundPlan][] {
  return [...atOnce.plans].map(([count, plan]) => [count * atOnce.rows, plan]);
}
