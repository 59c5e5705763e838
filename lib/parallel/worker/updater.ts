import type { TypedArray } from '../../graph/dtype.js';
import { clipScale } from '../../optim/update.js';
import { addon, type MarkArguments } from '../../runtime/addon.js';
import type { Control } from '../protocol/control.js';
import { ROWS } from '../protocol/factor-names.js';
import type { BoundPlan, Job, Slice, UpdateJob, UpdateShare } from '../protocol/job.js';
import { ShareProgress } from '../protocol/share-progress.js';
import { viewInto } from '../protocol/shared-memory.js';
import { BoundExecutable } from './bound-executable.js';
import { giveRows } from './factor-rows.js';
import type { LocalMemory } from './local-memory.js';
import { rangesOf } from './ranges.js';
import type { Recorder } from './recorder.js';

/** A step whose shard gradients are complete. */
export interface StepToUpdate {
  /** Counted within the epoch. */
  readonly step: number;
  /** Counted over all epochs. */
  readonly globalStep: number;
  /** The step of the epoch whose scalars the update takes, an earlier one if updates were left out. */
  readonly scalars: number;
  /** The sum of the slots, in postfix. */
  readonly program: Int32Array;
  /** Rows of the batch. */
  readonly rows: number;
  /** Number of workers that share the update. */
  readonly active: number;
  /** Weight of its gradients: their sum over all steps of an update is divided by that of the weights. 0 if skipped. */
  readonly weight: number;
  /** True if its gradients are left out, because the loss or the gradient is not finite. */
  readonly skip: boolean;
}

/** One worker's part of a step after the shard gradients: their sum, and the update. */
export class Updater {
  readonly #scalars: Float64Array;
  readonly #scalarNames: readonly string[];
  readonly #slots: readonly TypedArray[];
  readonly #sum: TypedArray | undefined;
  readonly #weight: TypedArray | undefined;
  readonly #squares: TypedArray | undefined;
  readonly #memory: TypedArray;
  readonly #progress: ShareProgress;
  readonly #executables = new Map<BoundPlan, BoundExecutable>();
  /** Programs that also add the accumulated gradients, by the program of the single step. */
  readonly #adding = new WeakMap<Int32Array, Int32Array>();

  constructor(
    private readonly job: Job,
    private readonly training: UpdateJob,
    private readonly control: Control,
    private readonly local: LocalMemory,
    private readonly recorder?: Recorder,
  ) {
    const { gradients, sum, weight, clip, memory, scalars } = training;
    this.#scalars = new Float64Array(scalars);
    this.#scalarNames = Array.from({ length: training.scalarCount }, (_, i) => `scalar ${i}`);
    this.#slots = gradients.map((slot) => viewInto(slot));
    this.#sum = sum && viewInto(sum);
    this.#weight = weight && viewInto(weight);
    this.#squares = clip && viewInto(clip.squares);
    this.#memory = viewInto(memory);
    this.#progress = new ShareProgress(training.marks);
  }

  /**
   * Adds up the gradients of a batch, and updates the parameters if an update is due after this step. An update without
   * any weight is not made.
   */
  run(rank: number, step: StepToUpdate): void {
    const { accumulate, clip, updates } = this.training;
    const turn = step.globalStep % accumulate;
    const weight = this.#accumulate(rank, step, turn === 0);
    const due = turn === accumulate - 1 && weight !== 0;
    const mine: number[] = [];
    if (rank < step.active) for (let i = rank; i < updates.length; i += step.active) mine.push(i);
    for (const index of mine) this.#gather(index, step, turn === 0, due);
    this.recorder?.end('sum');
    if (!due) return;
    if (clip) {
      for (const index of mine) {
        const squares = updates[index]?.squares;
        if (squares) this.#executable(squares).run(null, this.#random(step.step));
      }
      this.recorder?.end('update');
      // The norm needs the squares of all workers.
      this.control.meet(this.job.workers, rank);
      this.recorder?.end('wait');
    }
    for (const index of mine) this.#update(index, step, weight);
    this.recorder?.end('update');
  }

  /** Weight of all steps since the last update. Steps write and read in turns, so that no worker reads too late. */
  #accumulate(rank: number, { globalStep, weight }: StepToUpdate, first: boolean): number {
    const before = first ? 0 : (this.#weight?.[globalStep % 2] ?? 0);
    const after = before + weight;
    if (rank === 0 && this.#weight) this.#weight[(globalStep + 1) % 2] = after;
    return after;
  }

  /** Sums the gradients of a share, and updates its buffers. */
  #gather(index: number, step: StepToUpdate, first: boolean, due: boolean): void {
    if (this.#progress.isGathered(index, step.step)) return;
    const share = this.training.updates[index];
    // The gradients must not be recomputed from here on: buffers that they depend on change.
    this.#progress.set(index, step.step, 'begun');
    if (!step.skip) this.#keepBuffers(index, step.program);
    else if (share && first) this.#sum?.fill(0, share.start, share.end);
    const mark = due && share ? 'gathered' : 'updated';
    const isSum = step.skip || !share || this.#isDirect(step.program) || this.#isInPlace(step.program);
    if (isSum || share.stored.length === 0) this.#progress.set(index, step.step, mark);
    else this.#addGradients(share, step.program, first, this.#progress.mark(index, step.step, mark));
  }

  /** Sums the slots into the first one, or into the accumulated gradients. */
  #addGradients({ stored }: UpdateShare, program: Int32Array, first: boolean, mark: MarkArguments): void {
    const sum = this.#sum;
    const ranges = rangesOf(stored);
    if (sum && !first) {
      addon().combine(sum, [...this.#slots, sum], this.#addingTo(program), ranges, ...mark);
    } else {
      addon().combine(sum ?? (this.#slots[0] as TypedArray), this.#slots, program, ranges, ...mark);
    }
  }

  #addingTo(program: Int32Array): Int32Array {
    let adding = this.#adding.get(program);
    if (!adding) {
      adding = Int32Array.of(this.#slots.length, ...program, addon().constants.sums.add);
      this.#adding.set(program, adding);
    }
    return adding;
  }

  /** Sets buffers to the weighted mean of the shards' values at once. Buffers are dealt to the shares one by one. */
  #keepBuffers(index: number, program: Int32Array): void {
    const { assigned, updates } = this.training;
    for (let i = index; i < assigned.length; i += updates.length) {
      addon().combine(this.#memory, this.#slots, program, rangesOf([assigned[i] as Slice]));
    }
  }

  /** True if the first slot holds the sum already, as that of a single shard does. */
  #isInPlace(program: Int32Array): boolean {
    return !this.#sum && program.length === 1 && program[0] === 0;
  }

  /** True if the updates add up the slots themselves. */
  #isDirect(program: Int32Array): boolean {
    const { directProgram } = this.training;
    return directProgram?.length === program.length && directProgram.every((word, i) => word === program[i]);
  }

  #update(index: number, { step, scalars, program, rows }: StepToUpdate, weight: number): void {
    const share = this.training.updates[index];
    if (!share || this.#progress.isUpdated(index, step)) return;
    const { scalarCount, clip, divides, factors } = this.training;
    const divisor = divides ? weight : 1;
    const executable = this.#executable((this.#isDirect(program) && share.direct) || share.update);
    for (let i = 0; i < scalarCount; i++) {
      executable.array(this.#scalarNames[i] as string)[0] = this.#scalars[
        scalars * scalarCount + i
      ] as number;
    }
    if (factors && executable.has(ROWS)) giveRows(executable, factors.layout, rows);
    if (divides) executable.array('scale')[0] = 1 / divisor;
    if (clip) executable.array('clip')[0] = this.#clipScale(clip.norm, divisor);
    executable.run(null, this.#random(step), this.#progress.mark(index, step, 'updated'));
  }

  /** Scale of the clipped gradients; every worker adds the same numbers in the same order. */
  #clipScale(clipNorm: number, divisor: number): number {
    const squares = this.#squares as TypedArray;
    let total = 0;
    for (let i = 0; i < squares.length; i++) total += squares[i] as number;
    return clipScale(clipNorm, Math.sqrt(total) / divisor);
  }

  #executable(plan: BoundPlan): BoundExecutable {
    let executable = this.#executables.get(plan);
    if (!executable) {
      executable = new BoundExecutable(plan, this.local, this.recorder);
      this.#executables.set(plan, executable);
    }
    return executable;
  }

  /** Frees its plans. */
  release(): void {
    for (const executable of this.#executables.values()) executable.release();
    this.#executables.clear();
  }

  #random(step: number) {
    return { seed: this.job.seed, step };
  }
}
