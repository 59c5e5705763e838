import { at } from '../../graph/at.js';
import { bytesPerElement } from '../../graph/dtype.js';
import { sameShape } from '../../graph/shapes.js';
import { operandsOf } from '../plan/operands.js';
import type { Operand, Plan, Step } from '../plan/plan.js';
import type { Value } from '../plan/values.js';
import { Contents } from './contents.js';
import { slotsReadBefore, slotsWritten, WrittenSlots } from './loop-slots.js';
import { verifyOverwrites } from './overwrites.js';
import { type ByteRange, spanOf } from './span.js';

/**
 * Checks the data flow of a plan by running it on byte ranges in place of numbers: all bytes that a step reads hold the
 * buffer that it reads before the arena was laid out, so no other step has overwritten them, and none is read before it
 * is written. Bodies of loops are plans of their own, checked when they were compiled. A write with gaps between its
 * elements counts as a write of the gaps too. A failure is a bug in a pass.
 *
 * @param steps the steps of the plan before their buffers got offsets
 */
export function verifyDataFlow(plan: Plan, steps: readonly Step<Value>[]): void {
  if (plan.steps.length !== steps.length) {
    throw new Error(`verify: the plan has ${plan.steps.length} steps, ${steps.length} were lowered`);
  }
  const contents = new Contents();
  plan.steps.forEach((step, index) => {
    const source = at(steps, index);
    const [own, given] = [operandsOf(step), operandsOf(source)];
    const isSame =
      step.kernel === source.kernel &&
      step.label === source.label &&
      sameOperands(own.reads, given.reads) &&
      sameOperands(own.writes, given.writes);
    if (!isSame) {
      throw new Error(
        `verify: step ${index} (${step.label}) is not the one that was lowered, ${source.label}`,
      );
    }
    verifyOverwrites(step, own, index);
    const slots = step.kernel === 'scan' ? new WrittenSlots(step) : undefined;
    own.reads.forEach((operand, i) => {
      if (operand.buffer !== 0) return;
      const { buffer, start } = placeOf(operand, at(given.reads, i));
      for (const [low, high] of rangesRead(step, operand, i, slots)) {
        const found = contents.other(low, high, { buffer, start });
        if (found === undefined) continue;
        const what = found
          ? `that step ${found.step} (${at(steps, found.step).label}) has overwritten`
          : 'that no step has written';
        throw new Error(`verify: step ${index} (${step.label}) reads bytes ${low} to ${high}, ${what}`);
      }
    });
    own.writes.forEach((operand, i) => {
      if (operand.buffer !== 0) return;
      const content = { ...placeOf(operand, at(given.writes, i)), step: index };
      for (const [low, high] of rangesWritten(step, operand, i)) contents.write(low, high, content);
    });
  });
}

/** True if the operands of a step are the values that it had before, apart from where the arena holds them. */
function sameOperands(operands: readonly Operand[], values: readonly Value[]): boolean {
  return (
    operands.length === values.length &&
    operands.every(({ buffer, offset, dtype, shape, strides }, i) => {
      const { buffer: own, layout, dtype: type } = at(values, i);
      const isThere =
        own.kind === 'arena'
          ? buffer === 0
          : buffer === own.index + 1 && offset === layout.offset * bytesPerElement(type);
      return isThere && dtype === type && same(shape, layout.shape) && same(strides, layout.strides);
    })
  );
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a === b || sameShape(a, b);
}

/** The buffer of an operand in the arena, and where it begins. */
function placeOf({ offset }: Operand, { buffer, layout, dtype }: Value): { buffer: number; start: number } {
  return {
    buffer: buffer.kind === 'arena' ? buffer.id : -1,
    start: offset - layout.offset * bytesPerElement(dtype),
  };
}

function rangesRead(step: Step, operand: Operand, index: number, slots?: WrittenSlots): readonly ByteRange[] {
  return step.kernel === 'scan' && slots
    ? slotsReadBefore(step, at(step.bindings, index), slots)
    : [spanOf(operand)];
}

function rangesWritten(step: Step, operand: Operand, index: number): readonly ByteRange[] {
  const binding = step.kernel === 'scan' ? step.bindings[step.reads + index] : undefined;
  return step.kernel === 'scan' && binding ? slotsWritten(step, binding) : [spanOf(operand)];
}
