import { operandsOf } from '../../compile/plan/operands.js';
import type { Operand, Step } from '../../compile/plan/plan.js';
import { at } from '../../graph/at.js';
import { bytesPerElement } from '../../graph/dtype.js';
import { sizeOf } from '../../graph/shapes.js';
import type { BoundPlan } from './job.js';

/** Range of a gradient that a step writes, in elements of its binding. */
interface Result {
  readonly step: number;
  readonly binding: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The gradients that runs of a plan for several shards add up on the way, in the format of `addon.runTogether`: the
 * range that each step writes. Null if no step can add up its results, so that there is nothing to gain, or if several
 * steps contribute to one gradient, which must then be complete before it is added.
 *
 * @param summing indices of the steps that can add up their results
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

/** The range that a contiguous operand covers, else null. */
function resultOf(step: number, { buffer, offset, dtype, shape, strides }: Operand): Result | null {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = at(shape, axis);
    if (length !== 1 && strides[axis] !== expected) return null;
    expected *= length;
  }
  const start = offset / bytesPerElement(dtype);
  return { step, binding: buffer - 1, start, end: start + sizeOf(shape) };
}

function overlap(a: Result, b: Result): boolean {
  return a.binding === b.binding && a.start < b.end && b.start < a.end;
}
