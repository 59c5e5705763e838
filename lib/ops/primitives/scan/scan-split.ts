import { at } from '../../../graph/at.js';
import { equalsNumber } from '../../../graph/leaf.js';
import { elementsOf, endSlots, firstSlot, type Loop, slotRangesOf } from '../../../graph/loop.js';
import { sizeOf } from '../../../graph/shapes.js';
import type { Tensor } from '../../../graph/tensor.js';
import { add, addOp } from '../elementwise.js';
import { reshape, type ScatterSliceAttributes, scatterSliceOp, squeeze } from '../movement.js';
import { readSlots } from './slots.js';

/** The gradient with respect to one result of a scan, by the part of it that was read. Missing parts are zero. */
export interface ResultGradient {
  /** Gradient of a carried value before the first step. */
  first?: Tensor;
  /** Gradient of a carried value after the last step. */
  last?: Tensor;
  /** Gradient of a carried value before each step. */
  before?: Tensor;
  /** Gradient of a carried value after each step, or of an output at each step. */
  after?: Tensor;
}

type GradientWindow = keyof ResultGradient;

/**
 * Splits the gradient of a scan's flat value into those of its results. It is a sum of gradients of slices, nearly
 * always of whole windows, so most parts are known to be zero, and nothing has to be added up in the flat buffer.
 *
 * @returns one entry for each result of the body
 */
export function splitGradient(gradient: Tensor, node: Tensor<Loop>): ResultGradient[] {
  const loop = node.attributes;
  const ranges = slotRangesOf(loop);
  const parts = ranges.map((): ResultGradient => ({}));
  const put = (result: number, part: GradientWindow, value: Tensor) => {
    const own = at(parts, result);
    own[part] = own[part] ? add(own[part], value) : value;
  };
  const windows = windowsOf(loop);
  let dense: Tensor | undefined;
  for (const term of termsOf(gradient)) {
    if (equalsNumber(term, 0)) continue;
    const window = term.op === scatterSliceOp ? windows.get(rangeOf(term)) : undefined;
    if (window) put(window.result, window.part, reshape(term.input(0), window.shape));
    else dense = dense ? add(dense, term) : term;
  }
  if (!dense) return parts;
  for (const [i, range] of ranges.entries()) {
    const carried = i < loop.carries;
    if (range.slots === 0 || sizeOf(range.shape) === 0) continue;
    if (carried) put(i, 'first', squeeze(readSlots(dense, range, endSlots(loop, range.slots).first, 1), 0));
    put(i, 'after', readSlots(dense, range, carried ? firstSlot(loop, 'after') : 0, loop.length));
  }
  return parts;
}

/** The terms of a sum, in order. */
function termsOf(gradient: Tensor): Tensor[] {
  const terms: Tensor[] = [];
  const stack = [gradient];
  for (let top = stack.pop(); top; top = stack.pop()) {
    if (top.op === addOp) stack.push(top.input(1), top.input(0));
    else terms.push(top);
  }
  return terms;
}

function rangeOf(term: Tensor): string {
  const { start, end, step } = term.attributes as ScatterSliceAttributes;
  return `${start[0]} to ${end[0]} by ${step[0]}`;
}

/** The windows on a scan's value that `buildScan` reads, by their range. */
function windowsOf(
  loop: Loop,
): Map<string, { result: number; part: GradientWindow; shape: readonly number[] }> {
  const windows = new Map<string, { result: number; part: GradientWindow; shape: readonly number[] }>();
  const whole = elementsOf(loop);
  const { carries, length } = loop;
  for (const [result, { start, slots, shape }] of slotRangesOf(loop).entries()) {
    const size = sizeOf(shape);
    const window = (part: GradientWindow, first: number, count: number, like: readonly number[]) => {
      const [from, to] = [start + first * size, start + (first + count) * size];
      if (to > from && to - from < whole) windows.set(`${from} to ${to} by 1`, { result, part, shape: like });
    };
    const stacked = [length, ...shape];
    if (result < carries) {
      window('before', firstSlot(loop, 'before'), length, stacked);
      window('after', firstSlot(loop, 'after'), length, stacked);
      window('last', endSlots(loop, slots).last, 1, shape);
    } else {
      window('after', 0, length, stacked);
    }
  }
  return windows;
}
