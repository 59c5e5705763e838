import { endSlots, firstSlot, type Loop, type SlotRange, slotRangesOf } from '../../graph/loop.js';
import { contiguousStrides, sizeOf } from '../../graph/shapes.js';
import type { LoopBinding } from '../plan/plan.js';
import type { Value } from '../plan/values.js';

/** The slot of each carried value before the first step, in the memory of the loop's value. */
export function loopStarts(loop: Loop, output: Value): Value[] {
  return slotRangesOf(loop)
    .slice(0, loop.carries)
    .map((range) => window(output, range, endSlots(loop, range.slots).first, range.shape));
}

/**
 * The bindings of a loop's body at each step: its placeholders, then its results.
 *
 * @param read the values of the inputs and of the captured values, contiguous
 * @param output the loop's value
 */
export function loopBindings(loop: Loop, read: readonly Value[], output: Value): LoopBinding<Value>[] {
  const { carries, inputs, length } = loop;
  const ranges = slotRangesOf(loop).map((range, i) => ({
    operand: window(output, range, 0, [range.slots, ...range.shape]),
    slots: range.slots,
    first: i < carries ? firstSlot(loop, 'after') : 0,
  }));
  const before = ranges
    .slice(0, carries)
    .map((binding) => ({ ...binding, first: firstSlot(loop, 'before') }));
  const given = read.map((operand, i) => ({ operand, slots: i < inputs ? length : 1, first: 0 }));
  return [...before, ...given, ...ranges];
}

function window(output: Value, { start, shape }: SlotRange, slot: number, like: readonly number[]): Value {
  const offset = output.layout.offset + start + slot * sizeOf(shape);
  return { ...output, layout: { offset, shape: like, strides: contiguousStrides(like) } };
}
