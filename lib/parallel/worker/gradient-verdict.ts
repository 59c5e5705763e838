import { at } from '../../graph/at.js';
import type { TypedArray } from '../../graph/dtype.js';
import { addon } from '../../runtime/addon.js';
import type { Control } from '../protocol/control.js';
import type { Job, Slice, UpdateJob } from '../protocol/job.js';
import { viewInto } from '../protocol/shared-memory.js';
import { isPartLarge, markOf, mostPerStep } from '../protocol/verdicts.js';
import { BoundExecutable } from './bound-executable.js';
import { giveRows } from './factor-rows.js';
import type { LocalMemory } from './local-memory.js';

/** A step whose shard gradients are complete. */
export interface StepToJudge {
  /** Counted over all epochs. */
  readonly globalStep: number;
  /** For each shard, true if it has rows. */
  readonly present: readonly boolean[];
  /** The sum of the slots, in postfix. */
  readonly program: Int32Array;
  /** Rows of the batch. */
  readonly rows: number;
}

/**
 * Judges, before anything is updated, whether the sum of the gradients of a batch is finite, the same on any number of
 * workers: that is known from the magnitudes of the shards' gradients, unless these are so large that their sum may
 * overflow. Then that step and the rest of its update are judged by the sum itself.
 */
export class GradientVerdict {
  readonly #magnitudes: Float64Array;
  readonly #judged: Float64Array;
  readonly #slots: readonly TypedArray[];
  readonly #sum: TypedArray | undefined;
  readonly #largest: TypedArray | undefined;

  /** @param local for the plans that measure gradients which are not stored */
  constructor(
    private readonly job: Job,
    private readonly update: UpdateJob,
    private readonly control: Control,
    private readonly local: LocalMemory,
  ) {
    const { measures, gradients, sum, factors } = update;
    this.#largest = factors && viewInto(factors.largest);
    this.#magnitudes = new Float64Array(measures.magnitudes);
    this.#judged = new Float64Array(measures.judged);
    this.#slots = gradients.map((slot) => viewInto(slot));
    this.#sum = sum && viewInto(sum);
  }

  /** Called by all workers when they have met after their gradients. If sums may overflow, they meet once more. */
  isFinite(rank: number, step: StepToJudge): boolean {
    let total = 0;
    for (let shard = 0; shard < step.present.length; shard++) {
      if (!step.present[shard]) continue;
      const magnitude = at(this.#magnitudes, shard);
      if (magnitude === Number.POSITIVE_INFINITY) return false;
      total += magnitude;
    }
    if (total <= mostPerStep(this.update) && !isPartLarge(this.update, step.globalStep)) return true;
    return this.#judge(rank, step);
  }

  /** The verdict of a finished step is kept: once the slots are summed, they hold other numbers. */
  #judge(rank: number, step: StepToJudge): boolean {
    const mark = markOf(step.globalStep);
    const known = at(this.#judged, 0) - mark;
    if (known === 0 || known === 1) return known === 1;
    const storedAreFinite = this.update.measures.slices.every((slice) => this.#sumsAreFinite(slice, step));
    this.#measureUnstored(rank, step.rows);
    this.control.meet(this.job.workers, rank);
    const finite = storedAreFinite && (this.#largest ?? []).every(Number.isFinite);
    this.#judged[0] = mark + (finite ? 1 : 0);
    return finite;
  }

  /** Measures those of this worker's share, by computing them. */
  #measureUnstored(rank: number, rows: number): void {
    const { factors, updates } = this.update;
    const plan = updates[rank]?.largest;
    if (!factors || !plan) return;
    const executable = new BoundExecutable(plan, this.local);
    giveRows(executable, factors.layout, rows);
    executable.run(null, { seed: 0, step: 0 });
    executable.release();
  }

  #sumsAreFinite({ start, end }: Slice, { globalStep, program }: StepToJudge): boolean {
    const { accumulate, memory } = this.update;
    const before = globalStep % accumulate > 0 ? this.#sum : undefined;
    const round = memory.dtype === 'float32' ? Math.fround : (x: number) => x;
    const { add } = addon().constants.sums;
    const stack: number[] = [];
    for (let i = start; i < end; i++) {
      stack.length = 0;
      for (const word of program) {
        if (word === add) stack.push(round((stack.pop() as number) + (stack.pop() as number)));
        else stack.push(this.#slots[word]?.[i] as number);
      }
      const sum = at(stack, 0);
      // Past the gradients, which alone are accumulated, follow the buffers.
      const sofar = before && i < before.length ? at(before, i) : 0;
      if (!Number.isFinite(round(sum + sofar))) return false;
    }
    return true;
  }
}
