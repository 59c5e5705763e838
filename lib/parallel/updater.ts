import type { TypedArray } from '../graph/dtype.js';
import { clipScale } from '../optim/update.js';
import { addon } from '../runtime/addon.js';
import { BoundExecutable, type LocalMemory } from './bound-plan.js';
import { Control } from './control.js';
import type { BoundPlan, Job, Range, TrainingJob } from './job.js';
import type { Recorder } from './recorder.js';
import { shardRows } from './shards.js';
import { viewInto } from './shared-memory.js';

/** Where a step is: in its epoch, which begins at step `firstStep` of all. */
export interface StepOfEpoch {
  readonly step: number;
  readonly firstStep: number;
}

/** One worker's share of what follows the gradients of all shards: their sum, and the update. */
export class Updater {
  readonly #control: Control;
  readonly #scalars: Float64Array;
  readonly #scalarNames: readonly string[];
  readonly #gradients: readonly TypedArray[];
  readonly #sum: TypedArray | undefined;
  readonly #squares: TypedArray | undefined;
  readonly #memory: TypedArray;
  readonly #executables = new Map<BoundPlan, BoundExecutable>();
  /** The gradients of the shards that a batch of so many rows has. */
  readonly #used = new Map<number, readonly TypedArray[]>();

  constructor(
    private readonly job: Job,
    private readonly training: TrainingJob,
    private readonly local: LocalMemory,
    private readonly recorder?: Recorder,
  ) {
    const { gradients, sum, clip, memory, scalars } = training;
    this.#control = new Control(job.control);
    this.#scalars = new Float64Array(scalars);
    this.#scalarNames = Array.from({ length: training.scalarCount }, (_, i) => `scalar ${i}`);
    this.#gradients = gradients.map((shard) => viewInto(shard));
    this.#sum = sum && viewInto(sum);
    this.#squares = clip && viewInto(clip.squares);
    this.#memory = viewInto(memory);
  }

  /** Adds up the gradients of a batch, and updates the parameters if that is due after this step. */
  run(rank: number, rows: number, { step, firstStep }: StepOfEpoch): void {
    const { updates, accumulate, clip } = this.training;
    const share = updates[rank];
    const turn = (firstStep + step) % accumulate;
    this.#keepBuffers(rank, rows);
    if (share) this.#addGradients(share, rows, turn === 0);
    this.recorder?.end('sum');
    if (turn < accumulate - 1) return;
    if (clip) {
      if (share?.squares) this.#executable(share.squares).run(null, this.#random(step));
      this.recorder?.end('update');
      // The norm needs the squares of all workers.
      this.#control.meet(this.job.workers);
      this.recorder?.end('wait');
    }
    if (share) this.#update(share.update, step);
    this.recorder?.end('update');
  }

  /** The sum over the shards goes to the first shard's gradients, and from there to what was accumulated. */
  #addGradients({ start, end }: Range, rows: number, first: boolean): void {
    const used = this.#usedShards(rows);
    const target = this.#gradients[0] as TypedArray;
    const sum = this.#sum;
    if (sum && first) {
      addon.sumShards(sum, used, start, end);
      return;
    }
    if (used.length > 1 || used[0] !== target) addon.sumShards(target, used, start, end);
    if (sum) addon.sumShards(sum, [sum, target], start, end);
  }

  /** Buffers take the mean of what the shards assigned at once. They are dealt to the workers one by one. */
  #keepBuffers(rank: number, rows: number): void {
    const { assigned } = this.training;
    for (let i = rank; i < assigned.length; i += this.job.workers) {
      const { start, end } = assigned[i] as Range;
      addon.sumShards(this.#memory, this.#usedShards(rows), start, end);
    }
  }

  #update(plan: BoundPlan, step: number): void {
    const { scalarCount, clip } = this.training;
    const executable = this.#executable(plan);
    for (let i = 0; i < scalarCount; i++) {
      executable.array(this.#scalarNames[i] as string)[0] = this.#scalars[step * scalarCount + i] as number;
    }
    if (clip) executable.array('clip')[0] = this.#clipScale(clip.norm);
    executable.run(null, this.#random(step));
  }

  /** Every worker adds the same numbers in the same order. */
  #clipScale(clipNorm: number): number {
    const squares = this.#squares as TypedArray;
    let total = 0;
    for (let i = 0; i < squares.length; i++) total += squares[i] as number;
    return clipScale(clipNorm, Math.sqrt(total) / this.training.accumulate);
  }

  #usedShards(rows: number): readonly TypedArray[] {
    let used = this.#used.get(rows);
    if (!used) {
      const shards = this.#gradients.length;
      used = this.#gradients.filter((_, shard) => shardRows(rows, shards, shard).count > 0);
      this.#used.set(rows, used);
    }
    return used;
  }

  #executable(plan: BoundPlan): BoundExecutable {
    let executable = this.#executables.get(plan);
    if (!executable) {
      executable = new BoundExecutable(plan, this.local, this.recorder);
      this.#executables.set(plan, executable);
    }
    return executable;
  }

  #random(step: number) {
    return { seed: this.job.seed, step };
  }
}
