import { at } from '../../graph/at.js';
import { partitionPoint } from '../plan/partition-point.js';
import type { Operand } from '../plan/plan.js';
import { type ByteRange, overlap, spanOf } from './span.js';

/** The operands of one buffer in the order of their first bytes. */
interface Sorted {
  readonly places: number[];
  readonly spans: ByteRange[];
  /** The end of the longest reach of each and all before it. */
  readonly reaches: number[];
}

/** Operands of a step, by the bytes that they touch. */
export class Overlaps {
  readonly #buffers = new Map<number, Sorted>();

  constructor(operands: readonly Operand[]) {
    const spans = operands.map(spanOf);
    const places = [...operands.keys()].sort((a, b) => at(spans, a)[0] - at(spans, b)[0]);
    for (const place of places) {
      const { buffer } = at(operands, place);
      const sorted = this.#buffers.get(buffer) ?? { places: [], spans: [], reaches: [] };
      this.#buffers.set(buffer, sorted);
      const span = at(spans, place);
      sorted.reaches.push(Math.max(span[1], sorted.reaches.at(-1) ?? span[1]));
      sorted.places.push(place);
      sorted.spans.push(span);
    }
  }

  /** The places of the operands that touch bytes of another one, in ascending order. */
  with(operand: Operand): number[] {
    const sorted = this.#buffers.get(operand.buffer);
    if (!sorted) return [];
    const { places, spans, reaches } = sorted;
    const own = spanOf(operand);
    const found: number[] = [];
    const begin = partitionPoint(spans.length, (i) => at(spans, i)[0] < own[1]);
    for (let i = begin - 1; i >= 0 && at(reaches, i) > own[0]; i--) {
      if (overlap(at(spans, i), own)) found.push(at(places, i));
    }
    return found.sort((a, b) => a - b);
  }
}
