import { at } from '../../graph/at.js';
import type { DType } from '../../graph/dtype.js';
import { addon } from '../../runtime/addon.js';
import type { UpdateJob } from './job.js';
import { viewInto } from './shared-memory.js';

const LARGEST: Partial<Record<DType, number>> = {
  float32: (2 - 2 ** -23) * 2 ** 127,
  float64: Number.MAX_VALUE,
};

/** What `GradientMeasures.judged` holds of a step whose sum was not finite; 1 more if it was. */
export function markOf(globalStep: number): number {
  return 2 * (globalStep + 1);
}

/** Largest magnitude of each step's gradients for which their sum over an update cannot overflow. */
export function mostPerStep({ accumulate, memory }: UpdateJob): number {
  // Half of it, because each sum is rounded.
  return (LARGEST[memory.dtype] as number) / (2 * accumulate);
}

/** True if an earlier step of the update was judged by its sum, so that what is accumulated may be large. */
export function isPartLarge({ accumulate, measures }: UpdateJob, globalStep: number): boolean {
  const judged = at(new Float64Array(measures.judged), 0);
  return judged >= markOf(globalStep - (globalStep % accumulate));
}

/** Prepares the verdicts from a step on, from what is accumulated before it. */
export function beginVerdicts(update: UpdateJob, globalStep: number): void {
  const { accumulate, sum, measures } = update;
  const goesOn = sum !== undefined && globalStep % accumulate > 0;
  const large = goesOn && addon().largest(viewInto(sum), 0, sum.elements) > mostPerStep(update);
  new Float64Array(measures.judged)[0] = large ? markOf(globalStep - 1) : 0;
}

/** Forgets the verdict of a step that is repeated, but not that earlier ones were judged by their sums. */
export function repeatVerdict(update: UpdateJob, globalStep: number): void {
  const large = globalStep % update.accumulate > 0 && isPartLarge(update, globalStep);
  new Float64Array(update.measures.judged)[0] = large ? markOf(globalStep - 1) : 0;
}
