import type { SlotRange } from '../../../graph/loop.js';
import { sizeOf } from '../../../graph/shapes.js';
import type { Tensor } from '../../../graph/tensor.js';
import { reshape, slice } from '../movement.js';

/** `count` neighbouring slots of a result, from slot `first` on, stacked on a leading axis. */
export function readSlots(node: Tensor, { start, shape }: SlotRange, first: number, count: number): Tensor {
  const size = sizeOf(shape);
  return reshape(slice(node, [[start + first * size, start + (first + count) * size]]), [count, ...shape]);
}
