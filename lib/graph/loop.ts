import { at } from './at.js';
import { type Shape, sizeOf } from './shapes.js';
import type { Tensor } from './tensor.js';

/** Counts the bodies of the process, in all traces, so that no two are equal. */
let bodies = 0;

/** The computation of one step of a loop: a closed graph from placeholders to results. */
export class Body {
  readonly #id = bodies++;

  constructor(
    readonly placeholders: readonly Tensor[],
    readonly results: readonly Tensor[],
  ) {}

  /** A JSON form unique to the body: attributes are compared as JSON, and no two bodies may be equal. */
  toJSON(): string {
    return `body ${this.#id}`;
  }
}

/**
 * A body that runs `length` times. Its placeholders are the carried values, the slices of the inputs at one step, and
 * the captured values, in this order; its results are the next carried values and the outputs.
 *
 * The loop's value is one flat buffer of all results. Each carried value has a number of slots in it: before step `t`
 * the value is in slot `t` and after it in slot `t + 1`, modulo the number of slots (the other way round in a loop
 * that runs in reverse). So `length + 1` slots keep every value, and 2 slots keep only the last. An output has one
 * slot per step.
 */
export interface Loop {
  readonly body: Body;
  readonly carries: number;
  readonly inputs: number;
  readonly length: number;
  readonly reverse: boolean;
  /** Number of slots of each carried value. */
  readonly slots: readonly number[];
}

/** The slots of one result in a loop's value. */
export interface SlotRange {
  /** Offset of the first slot, in elements. */
  readonly start: number;
  readonly slots: number;
  /** The shape of one slot. */
  readonly shape: Shape;
}

/** The slot ranges of all results in memory order: the carried values, then the outputs. */
export function slotRangesOf({ body, carries, length, slots }: Loop): SlotRange[] {
  let start = 0;
  return body.results.map(({ shape }, i) => {
    const range = { start, slots: i < carries ? at(slots, i) : length, shape };
    start += range.slots * sizeOf(shape);
    return range;
  });
}

/** The number of elements of a loop's value. */
export function elementsOf(loop: Loop): number {
  const last = slotRangesOf(loop).at(-1);
  return last ? last.start + last.slots * sizeOf(last.shape) : 0;
}

/** Index of the first slot that holds a carried value before, or after, each step. */
export function firstSlot({ reverse }: Loop, when: 'before' | 'after'): number {
  return reverse === (when === 'before') ? 1 : 0;
}

/** The slots of a carried value before the first step and after the last one. */
export function endSlots({ length, reverse }: Loop, slots: number): { first: number; last: number } {
  const end = length % slots;
  return reverse ? { first: end, last: 0 } : { first: 0, last: end };
}
