import type { LoopBinding, ScanStep } from '../plan/plan.js';
import { type ByteRange, overlap, spanOf } from './span.js';

/**
 * The byte ranges of a loop's binding that are read before the loop has written them: of a carried value only the slot
 * before the first step, since each later step reads what the one before it wrote.
 *
 * @throws Error if a step of the loop reads and writes the same slot
 */
export function slotsReadBefore(loop: ScanStep, binding: LoopBinding): ByteRange[] {
  const { slots, operand: own } = binding;
  const written = loop.bindings
    .slice(loop.reads)
    .filter(({ operand }) => operand.buffer === own.buffer && overlap(spanOf(operand), spanOf(own)));
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
