import { operandsOf } from '../compile/plan/operands.js';
import type { Operand, Plan, Step } from '../compile/plan/plan.js';
import { at } from '../graph/at.js';
import { bytesPerElement } from '../graph/dtype.js';
import { formatType } from '../graph/errors.js';
import { LOSS } from '../health/record.js';
import type { StepWork } from './report.js';

/** Facts about a step that are known before it runs. */
export interface StepFacts extends Pick<StepWork, 'op' | 'layer' | 'part' | 'shapes'> {
  /** Kernel calls in one run of the plan; a loop does not include those of the steps in its body. */
  readonly calls: number;
  readonly flops: number;
  readonly bytes: number;
  /** Index of the loop whose body contains the step. */
  readonly loop: number | undefined;
}

/** The steps of a plan in the order of their clocks: a loop is followed by the steps of its body. */
export function describeSteps(plan: Plan, kind: 'gradients' | 'update'): StepFacts[] {
  const described: StepFacts[] = [];
  const visit = (steps: readonly Step[], calls: number, loop: number | undefined) => {
    for (const step of steps) {
      const isLoop = step.kernel === 'scan';
      const index = described.push({
        op: step.label,
        // Updates also compute gradients of layers.
        layer: step.origin?.layer ?? (kind === 'update' ? '(update)' : LOSS),
        part: step.origin?.phase ?? (kind === 'update' ? 'update' : 'forward'),
        shapes: shapesOf(step),
        calls,
        flops: isLoop ? 0 : calls * step.flops,
        bytes: isLoop ? 0 : calls * bytesOf(step),
        loop,
      });
      if (isLoop) visit(step.body.steps, calls * step.length, index - 1);
    }
  };
  visit(plan.steps, 1, undefined);
  return described;
}

/** Time of each step without the steps in its body, from the times of all clocks. */
export function ownTimes(steps: readonly StepFacts[], milliseconds: Float64Array): Float64Array {
  const own = Float64Array.from(milliseconds);
  steps.forEach(({ loop }, i) => {
    if (loop !== undefined) own[loop] = at(own, loop) - at(milliseconds, i);
  });
  return own;
}

/** Operands that a step reads and writes, without its workspace. */
function transferred(step: Step): { reads: readonly Operand[]; writes: readonly Operand[] } {
  const { reads, writes } = operandsOf(step);
  const workspace = 'workspace' in step ? step.workspace : undefined;
  return { reads, writes: writes.filter((operand) => operand !== workspace) };
}

function bytesOf(step: Step): number {
  const { reads, writes } = transferred(step);
  return [...reads, ...writes].reduce((sum, operand) => sum + bytesOfOperand(operand), 0);
}

/** Distinct bytes of an operand: an axis of stride 0 repeats the same ones. */
function bytesOfOperand({ shape, strides, dtype }: Operand): number {
  const elements = shape.reduce(
    (size, length, axis) => size * (strides[axis] === 0 ? Math.min(length, 1) : length),
    1,
  );
  return elements * bytesPerElement(dtype);
}

function shapesOf(step: Step): string {
  const { reads, writes } = transferred(step);
  const list = (operands: readonly Operand[]) => operands.map(formatType).join(' ');
  return `${list(reads)} -> ${list(writes)}`.trimStart();
}
