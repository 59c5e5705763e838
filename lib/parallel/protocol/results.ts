import { operandsOf } from '../../compile/plan/operands.js';
import type { Operand, Step } from '../../compile/plan/plan.js';
import { at } from '../../graph/at.js';
import { bytesPerElement } from '../../graph/dtype.js';
import { sizeOf } from '../../graph/shapes.js';
import type { BoundPlan, Source } from './job.js';

/** Range of a gradient that a step writes, in elements of its binding. */
interface Result {
  readonly step: number;
  readonly binding: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The gradients that runs of a plan for several shards add up on the way, in the format of `addon.runTogether`: the
 * range that each step writes. Null if no step can add up its results, so that there is nothing to gain, if several
 * steps contribute to one gradient, which must then be complete before it is added, or if one must not be measured, as
 * runs together measure all that they add up. Factors are not added up at all.
 *
 * @param summing indices of the steps that can add up their results
 */
export function resultsOf(bound: BoundPlan, summing: readonly number[]): Int32Array | null {
  const mayNot = (source: Source) => isFactor(source) || (isGradient(source) && source.unmeasured);
  if (bound.sources.some(mayNot)) return null;
  const results = writesOf(bound);
  return results?.some(({ step }) => summing.includes(step)) ? encoded(results) : null;
}

/**
 * The gradients and factors that a run of a plan measures, in the same format. If several steps contribute to one, all of
 * them are measured at the end.
 */
export function measuredOf(bound: BoundPlan): Int32Array {
  const { plan, sources } = bound;
  const isMeasured = ({ binding }: Result) => isMeasuredIn(sources[binding]);
  const whole = plan.bindings.map(({ shape }, binding) => {
    return { step: plan.steps.length, binding, start: 0, end: sizeOf(shape) };
  });
  return encoded((writesOf(bound) ?? whole).filter(isMeasured));
}

/**
 * What steps write of gradients and factors, in their order; null if several of them contribute to one element, or one
 * reads a gradient, which is not complete then.
 */
function writesOf({ plan, sources }: BoundPlan): Result[] | null {
  const sourceOf = ({ buffer }: Operand) => sources[buffer - 1];
  const results: Result[] = [];
  for (const [index, step] of plan.steps.entries()) {
    const { reads, writes } = operandsOf(step as Step);
    if (reads.some((operand) => isGradient(sourceOf(operand)))) return null;
    for (const operand of writes) {
      const source = sourceOf(operand);
      if (!isGradient(source) && !isFactor(source)) continue;
      const result = resultOf(index, operand);
      if (!result || results.some((other) => overlap(other, result))) return null;
      results.push(result);
    }
  }
  return results;
}

function isGradient(source: Source | undefined): source is Source & { kind: 'gradient' } {
  return source?.kind === 'gradient';
}

function isFactor(source: Source | undefined): boolean {
  return source?.kind === 'factor';
}

function isMeasuredIn(source: Source | undefined): boolean {
  return isFactor(source) || (isGradient(source) && !source.unmeasured);
}

function encoded(results: readonly Result[]): Int32Array {
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
