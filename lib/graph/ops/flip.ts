import { invalid, requireInteger } from '../errors.js';
import type { OpRecord } from '../op.js';
import { normaliseAxes, normaliseAxis } from '../shapes.js';
import { Tensor } from '../tensor.js';
import { part } from './join.js';
import { concat } from './movement.js';

/** Some axes in reverse order. */
export const flipOp: OpRecord<{ readonly axes: readonly number[] }> = {
  kind: 'flip',
  type: ([x]) => x as Tensor,
  grad: (gradient, node) => [new Tensor(flipOp, [gradient], node.attributes)],
  kernel: {
    family: 'view',
    view: ({ offset, shape, strides }, { attributes: { axes } }) => ({
      offset: shape.includes(0)
        ? offset
        : axes.reduce((sum, axis) => sum + ((shape[axis] as number) - 1) * (strides[axis] as number), offset),
      shape,
      strides: strides.map((stride, axis) => (axes.includes(axis) ? -stride : stride)),
    }),
  },
  cost: () => 0,
};

/** Reverses the order along `axes` (all by default). */
export function flip(x: Tensor, axes?: number | readonly number[]): Tensor {
  const over = normaliseAxes('flip', axes, x.ndim);
  return over.length === 0 ? x : new Tensor(flipOp, [x], { axes: over });
}

/**
 * Moves the elements of an axis by `shift` places towards its end, and those that leave it back to its start, as
 * `torch.roll`. Lists of shifts and axes roll one axis after the other.
 */
export function roll(x: Tensor, shift: number | readonly number[], axis: number | readonly number[]): Tensor {
  const shifts = typeof shift === 'number' ? [shift] : shift;
  const axes = typeof axis === 'number' ? [axis] : axis;
  if (shifts.length !== axes.length) throw invalid('roll', 'one shift for each axis', [shift, axis]);
  return axes.reduce<Tensor>((rolled, each, i) => {
    const over = normaliseAxis('roll', each, x.ndim);
    const length = x.shape[over] as number;
    const places = requireInteger('roll', 'shift', shifts[i]) % (length || 1);
    if (places === 0) return rolled;
    const cut = (length - places) % length;
    return concat([part(rolled, over, cut, length), part(rolled, over, 0, cut)], over);
  }, x);
}
