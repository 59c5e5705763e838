import { at } from '../../graph/at.js';
import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { expand } from '../primitives/broadcast.js';
import { concat, pad, slice } from '../primitives/movement.js';
import type { PaddingMode } from './conv-options.js';

type Sides = readonly [before: number, after: number];

/**
 * Pads the axes from `first` on as a convolution does: with zeros, or with elements of the tensor itself.
 *
 * @param sides number of elements to add before and after each of these axes
 */
export function padBorder(
  op: string,
  x: Tensor,
  sides: readonly Sides[],
  mode: PaddingMode,
  first = 1,
): Tensor {
  if (mode === 'zeros') {
    const widths = x.shape.map((_, axis): Sides => sides[axis - first] ?? [0, 0]);
    return pad(x, widths);
  }
  return sides.reduce((value, side, i) => padAxis(op, value, first + i, side, mode), x);
}

function padAxis(op: string, x: Tensor, axis: number, [before, after]: Sides, mode: PaddingMode): Tensor {
  if (before === 0 && after === 0) return x;
  const length = at(x.shape, axis);
  const most = mode === 'reflect' ? length - 1 : mode === 'circular' ? length : length > 0 ? Infinity : 0;
  if (Math.max(before, after) > most) {
    throw invalid(op, `${mode} padding of ${length} elements must be at most ${most}`, [before, after]);
  }
  const range = (from: number, to: number) =>
    slice(
      x,
      x.shape.map((d, i) => (i === axis ? [from, to] : [0, d])),
    );
  const repeated = (place: number, count: number) =>
    expand(
      range(place, place + 1),
      x.shape.map((d, i) => (i === axis ? count : d)),
    );
  const one = (place: number) => range(place, place + 1);
  const borders: Record<Exclude<PaddingMode, 'zeros'>, () => [Tensor[], Tensor[]]> = {
    reflect: () => [
      Array.from({ length: before }, (_, i) => one(before - i)),
      Array.from({ length: after }, (_, i) => one(length - 2 - i)),
    ],
    replicate: () => [[repeated(0, before)], [repeated(length - 1, after)]],
    circular: () => [[range(length - before, length)], [range(0, after)]],
  };
  const [head, tail] = borders[mode as Exclude<PaddingMode, 'zeros'>]();
  const parts = [...head, x, ...tail].filter((part) => part === x || part.shape[axis] !== 0);
  return concat(parts, axis);
}
