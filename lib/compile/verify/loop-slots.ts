import { at } from '../../graph/at.js';
import type { LoopBinding, ScanStep } from '../plan/plan.js';
import { Overlaps } from './overlaps.js';
import { type ByteRange, spanOf } from './span.js';

/** The slots that a loop writes, by the bytes that they take. */
export class WrittenSlots {
  readonly #bindings: readonly LoopBinding[];
  readonly #overlaps: Overlaps;

  constructor({ bindings, reads }: ScanStep) {
    this.#bindings = bindings.slice(reads);
    this.#overlaps = new Overlaps(this.#bindings.map(({ operand }) => operand));
  }

  /** The bindings that are written to memory of another one. */
  over({ operand }: LoopBinding): LoopBinding[] {
    return this.#overlaps.with(operand).map((place) => at(this.#bindings, place));
  }
}

/**
 * The byte ranges of a loop's binding that are read before the loop has written them: of a carried value only the slot
 * before the first step, since each later step reads what the one before it wrote.
 *
 * @param all the slots that the loop writes
 * @throws Error if a step of the loop reads and writes the same slot
 */
export function slotsReadBefore(loop: ScanStep, binding: LoopBinding, all: WrittenSlots): ByteRange[] {
  const { slots, operand: own } = binding;
  const written = all.over(binding);
  const isWritten = new Uint8Array(slots);
  const needed = new Set<number>();
  // After as many steps as there are slots, the loop reads and writes the same ones again.
  for (let step = 0; step < Math.min(loop.length, slots + 1); step++) {
    const read = slotAt(loop, binding, step);
    if (!isWritten[read]) needed.add(read);
    for (const other of written) {
      const slot = slotAt(loop, other, step);
      if (other.slots !== slots || other.operand.offset !== own.offset || slot === read) {
        throw new Error(`verify: loop ${loop.label} overwrites slot ${read} in the step that reads it`);
      }
      isWritten[slot] = 1;
    }
  }
  return rangesOf(binding, needed);
}

/** The byte ranges of a loop's binding that the loop writes. */
export function slotsWritten(loop: ScanStep, binding: LoopBinding): ByteRange[] {
  const count = Math.min(loop.length, binding.slots);
  return rangesOf(binding, new Set(Array.from({ length: count }, (_, step) => slotAt(loop, binding, step))));
}

/** The slot of a binding at a step, counted in the order in which the steps run. */
function slotAt({ length, reverse }: ScanStep, { slots, first }: LoopBinding, step: number): number {
  const t = reverse ? length - 1 - step : step;
  return (t + first) % slots;
}

/** The byte ranges of slots, with adjacent ones joined. */
function rangesOf({ operand, slots }: LoopBinding, chosen: ReadonlySet<number>): ByteRange[] {
  const [low, high] = spanOf(operand);
  const bytes = (high - low) / slots;
  const ranges: [number, number][] = [];
  for (const slot of [...chosen].sort((a, b) => a - b)) {
    const start = low + slot * bytes;
    const last = ranges.at(-1);
    if (last && last[1] === start) last[1] = start + bytes;
    else ranges.push([start, start + bytes]);
  }
  return ranges;
}
