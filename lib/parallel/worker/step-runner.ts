import type { TypedArray } from '../../graph/dtype.js';
import { failed } from '../../graph/errors.js';
import { Control } from '../protocol/control.js';
import type { Job, StepCall, StepJob } from '../protocol/job.js';
import { planReductionTree, type ReductionTree } from '../protocol/reduction-tree.js';
import { presentShards, shardRows } from '../protocol/shards.js';
import { viewInto } from '../protocol/shared-memory.js';
import { LOSS_WEIGHT, sumOfShares } from '../protocol/shares.js';
import { BatchRunner } from './batch-runner.js';
import type { BoundExecutable } from './bound-executable.js';
import { ExecutableInstances } from './executable-instances.js';
import { GradientVerdict } from './gradient-verdict.js';
import type { WorkerMemory } from './local-memory.js';
import { Updater } from './updater.js';

/** The data-parallel functions that a worker knows. */
export class StepRunners {
  readonly #runners = new Map<number, StepRunner>();

  constructor(
    private readonly job: Job,
    private readonly memory: WorkerMemory,
  ) {}

  run(rank: number, call: StepCall): void {
    const { id, definition, forget } = call;
    if (definition) this.#runners.set(id, new StepRunner(this.job, definition, this.memory));
    this.forget(forget);
    const runner = this.#runners.get(id);
    if (!runner) {
      throw failed('ERR_CHAINRULE_WORKER_ENDED', 'parallel', 'a worker thread was ended between two calls');
    }
    runner.run(rank, call);
  }

  /** Frees functions that will not be called again. */
  forget(ids: readonly number[]): void {
    for (const id of ids) {
      this.#runners.get(id)?.release();
      this.#runners.delete(id);
    }
  }
}

/** One worker's part of a data-parallel function: its shards of the batch, and its shares of the update. */
class StepRunner {
  readonly #control: Control;
  readonly #batches: BatchRunner;
  readonly #updater: Updater;
  readonly #verdict: GradientVerdict;
  readonly #present: readonly boolean[];
  readonly #tree: ReductionTree;
  /** What its largest plan needs. */
  readonly #arenaBytes: number;
  readonly #shares: Float64Array;
  readonly #refused: Int32Array;
  readonly #plans: ExecutableInstances;
  readonly #views = new Map<number, readonly (readonly [name: string, rows: TypedArray])[]>();

  constructor(
    private readonly job: Job,
    private readonly step: StepJob,
    private readonly memory: WorkerMemory,
  ) {
    this.#plans = new ExecutableInstances(step.plans, memory);
    this.#control = new Control(job.control);
    this.#batches = new BatchRunner(step, this.#control);
    this.#updater = new Updater(job, step, this.#control, memory.instance(0));
    this.#verdict = new GradientVerdict(job, step, this.#control, memory.instance(0));
    this.#present = presentShards(step.rows, step.shards);
    this.#tree = planReductionTree(this.#present, job.workers, step.exchange !== undefined);
    this.#arenaBytes = Math.max(...[...step.plans.values()].map(({ plan }) => plan.arenaBytes));
    this.#shares = new Float64Array(step.shares);
    this.#refused = new Int32Array(step.refused);
  }

  /**
   * Besides all-reduces, passes one barrier, and a second one if the norm of the gradients is clipped. Changes nothing if the loss or the
   * gradients are not finite.
   */
  run(rank: number, { step, optimizerStep, finish = false }: StepCall): void {
    this.memory.announce(this.#arenaBytes);
    const { rows, unit, shards, figures } = this.step;
    const { program } = this.#tree;
    if (!finish) {
      const batch = { count: rows, unit, shards, seed: this.job.seed, step };
      this.#batches.run(rank, this.#tree, batch, {
        load: (shard, instance) => this.#load(shard, instance),
        finish: ([shard = 0], executable) => {
          figures.forEach((name, i) => {
            this.#shares[shard * figures.length + i] = executable.array(name)[0] as number;
          });
        },
      });
    }
    // Needed even without an update: a worker that finishes before another has begun would take that one's task.
    this.#control.meet(this.job.workers, rank);
    const judged = { globalStep: optimizerStep, present: this.#present, program, rows };
    const finite = this.#isLossFinite() && this.#verdict.isFinite(rank, judged);
    if (rank === 0) this.#refused[0] = finite ? 0 : 1;
    if (!finite) return;
    const active = this.job.workers;
    const weight = this.#weight();
    this.#updater.run(rank, {
      step: 0,
      globalStep: optimizerStep,
      scalars: 0,
      program,
      rows,
      active,
      weight,
      skip: false,
    });
  }

  /** Frees its plans. */
  release(): void {
    this.#plans.release();
    this.#updater.release();
  }

  /** True unless the gradients are those of a loss that is not finite. */
  #isLossFinite(): boolean {
    const { loss } = this.step;
    if (!loss) return true;
    const sum = sumOfShares(this.step, loss.sum) as number;
    const weight = loss.weight === undefined ? 1 : (sumOfShares(this.step, loss.weight) as number);
    return (sum === 0 && weight === 0) || (Number.isFinite(sum / weight) && Number.isFinite(weight));
  }

  /** Weight of the gradients. */
  #weight(): number {
    const { kind, rows, unit } = this.step;
    if (kind === 'ratio') return sumOfShares(this.step, LOSS_WEIGHT) as number;
    return kind === 'mean' && unit !== undefined ? rows / unit : 1;
  }

  /** The plan for a shard, which reads its rows in place. */
  #load([shard = 0]: readonly number[], instance: number): BoundExecutable {
    const { count } = shardRows(this.step.rows, this.step.shards, shard);
    const executable = this.#plans.get(count, instance);
    for (const [name, rows] of this.#viewsOf(shard)) executable.use(name, rows);
    return executable;
  }

  #viewsOf(shard: number): readonly (readonly [string, TypedArray])[] {
    let views = this.#views.get(shard);
    if (!views) {
      const { start, count } = shardRows(this.step.rows, this.step.shards, shard);
      views = Object.entries(this.step.batches).map(([name, { memory, rowSize }]) => [
        name,
        viewInto(memory, start * rowSize, (start + count) * rowSize),
      ]);
      this.#views.set(shard, views);
    }
    return views;
  }
}
