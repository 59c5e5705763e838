import { at } from '../../graph/at.js';
import { bytesPerElement } from '../../graph/dtype.js';
import type { Operand } from '../plan/plan.js';

/** A range of bytes; the end is exclusive. */
export type ByteRange = readonly [low: number, high: number];

/** The byte range that an operand may touch. */
export function spanOf({ offset, shape, strides, dtype }: Operand): ByteRange {
  if (shape.includes(0)) return [offset, offset];
  let [low, high] = [0, 0];
  for (let axis = 0; axis < shape.length; axis++) {
    const reach = (at(shape, axis) - 1) * at(strides, axis);
    if (reach < 0) low += reach;
    else high += reach;
  }
  const bytes = bytesPerElement(dtype);
  return [offset + low * bytes, offset + (high + 1) * bytes];
}

export function overlap([low, high]: ByteRange, [from, to]: ByteRange): boolean {
  return Math.max(low, from) < Math.min(high, to);
}
