import { type Shape, sizeOf } from './shapes.js';
import type { Tensor } from './tensor.js';

let bodies = 0;

/** What one step of a loop computes: a closed graph from placeholders to results. */
export class Body {
  readonly #id = bodies++;

  constructor(
    readonly placeholders: readonly Tensor[],
    readonly results: readonly Tensor[],
  ) {}

  /** Attributes are compared as JSON; two bodies are never taken for one another. */
  toJSON(): string {
    return `body ${this.#id}`;
  }
}

/**
 * A body that runs `length` times. Its placeholders are the carried values, the slices of the inputs at one step, and
 * the captured values, in this order; its results are the next carried values and the outputs.
 *
 * The loop's value is one flat buffer of all results. Of each carried value it keeps some slots: before step `t` the
 * value is in slot `t` and after it in slot `t + 1`, modulo the number of slots (the other way round in a loop that
 * runs in reverse). So `length + 1` slots keep every value, and 2 keep the last. An output has a slot for each step.
 */
export interface Loop {
  readonly body: Body;
  readonly carries: number;
  readonly inputs: number;
  readonly length: number;
  readonly reverse: boolean;
  /** How many slots each carried value has. */
  readonly slots: readonly number[];
}

/** Where the slots of one result lie in a loop's value. */
export interface SlotRange {
  /** In elements. */
  readonly start: number;
  readonly slots: number;
  /** The shape of one slot. */
  readonly shape: Shape;
}

/** The regions of the results, one behind another: the carried values, then the outputs. */
export function slotRangesOf({ body, carries, length, slots }: Loop): SlotRange[] {
  let start = 0;
  return body.results.map(({ shape }, i) => {
    const region = { start, slots: i < carries ? (slots[i] as number) : length, shape };
    start += region.slots * sizeOf(shape);
    return region;
  });
}

/** The elements of a loop's value. */
export function elementsOf(loop: Loop): number {
  const last = slotRangesOf(loop).at(-1);
  return last ? last.start + last.slots * sizeOf(last.shape) : 0;
}

/** The first of the slots that hold a carried value before, or after, each step. */
export function firstSlot({ reverse }: Loop, when: 'before' | 'after'): number {
  return reverse === (when === 'before') ? 1 : 0;
}

/** The slot of a carried value before all steps, and after all of them. */
export function endSlots({ length, reverse }: Loop, slots: number): { first: number; last: number } {
  const end = length % slots;
  return reverse ? { first: end, last: 0 } : { first: 0, last: end };
}
