import { at } from '../../graph/at.js';
import { bytesPerElement } from '../../graph/dtype.js';
import type { Operand } from '../plan/plan.js';

/** The byte range that an operand may touch; the end is exclusive. */
export function spanOf({ offset, shape, strides, dtype }: Operand): [number, number] {
  if (shape.includes(0)) return [offset, offset];
  let [low, high] = [0, 0];
  shape.forEach((dimension, axis) => {
    const reach = (dimension - 1) * at(strides, axis);
    if (reach < 0) low += reach;
    else high += reach;
  });
  const bytes = bytesPerElement(dtype);
  return [offset + low * bytes, offset + (high + 1) * bytes];
}
