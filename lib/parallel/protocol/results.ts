import { operandsOf } from '../../compile/plan/operands.js';
import type { Operand, Step } from '../../compile/plan/plan.js';
import { bytesPerElement } from '../../graph/dtype.js';
import { sizeOf } from '../../graph/shapes.js';
import type { BoundPlan } from './job.js';

/** A step's part of a gradient, in elements of its binding. */
interface Result {
  readonly step: number;
  readonly binding: number;
  readonly start: number;
  readonly end: number;
}

/**
 * What runs of a plan for several shards add up as they go, as `addon.runTogether` wants to know it: where each step writes
 * gradients. Null where no step can add up its own, so that there is nothing to gain, or where a gradient is more than the
 * result of one step: then it must be complete before it is added.
 *
 * @param summing the steps that can add up their results
 */
export function resultsOf({ plan, sources }: BoundPlan, summing: readonly number[]): Int32Array | null {
  const isGradient = ({ buffer }: Operand) => sources[buffer - 1]?.kind === 'gradient';
  const results: Result[] = [];
  for (const [index, step] of plan.steps.entries()) {
    const { reads, writes } = operandsOf(step as Step);
    if (reads.some(isGradient)) return null;
    for (const operand of writes.filter(isGradient)) {
      const result = resultOf(index, operand);
      if (!result || results.some((other) => overlap(other, result))) return null;
      results.push(result);
    }
  }
  if (!results.some(({ step }) => summing.includes(step))) return null;
  return Int32Array.from(results.flatMap(({ step, binding, start, end }) => [step, binding, start, end]));
}

/** The elements that an operand covers, if they are neighbours. */
function resultOf(step: number, { buffer, offset, dtype, shape, strides }: Operand): Result | null {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis] as number;
    if (length !== 1 && strides[axis] !== expected) return null;
    expected *= length;
  }
  const start = offset / bytesPerElement(dtype);
  return { step, binding: buffer - 1, start, end: start + sizeOf(shape) };
}

function overlap(a: Result, b: Result): boolean {
  return a.binding === b.binding && a.start < b.end && b.start < a.end;
}
