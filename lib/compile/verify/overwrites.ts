import { at } from '../../graph/at.js';
import { sizeOf } from '../../graph/shapes.js';
import type { Operand, Step } from '../plan/plan.js';
import { isContiguous } from '../plan/values.js';
import { Overlaps } from './overlaps.js';

/**
 * Checks that a step overwrites nothing that it still reads, and that its outputs and its workspace lie apart. Only an
 * output of an element-wise program may lie on an operand, element on element. Loops are checked slot by slot.
 */
export function verifyOverwrites(
  step: Step,
  { reads, writes }: { readonly reads: readonly Operand[]; readonly writes: readonly Operand[] },
  index: number,
): void {
  const inPlace = step.kernel === 'map' || step.kernel === 'reduce' ? step.outputs : [];
  const [read, written] = [new Overlaps(reads), new Overlaps(writes)];
  writes.forEach((write, i) => {
    const isSlots = step.kernel === 'scan' && write !== step.workspace;
    const met = isSlots ? [] : read.with(write).map((place) => at(reads, place));
    const lost = met.find((operand) => !(inPlace.includes(write) && sameElements(operand, write)));
    if (lost) {
      throw new Error(`verify: step ${index} (${step.label}) overwrites an operand at byte ${lost.offset}`);
    }
    if (written.with(write).some((place) => place < i)) {
      throw new Error(`verify: step ${index} (${step.label}) writes byte ${write.offset} twice`);
    }
  });
}

/** True if each element of two operands lies at the same place. */
function sameElements(a: Operand, b: Operand): boolean {
  return (
    a.offset === b.offset &&
    a.dtype === b.dtype &&
    sizeOf(a.shape) === sizeOf(b.shape) &&
    isContiguous({ ...a, offset: 0 }) &&
    isContiguous({ ...b, offset: 0 })
  );
}
