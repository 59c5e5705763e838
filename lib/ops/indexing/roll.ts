import { checked } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { invalid, requireInteger } from '../../graph/errors.js';
import { normaliseAxis } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { concat, sliceAxis } from '../primitives/movement.js';

/**
 * Rotates the elements of an axis by `shift` places towards its end; those shifted out re-enter at its start, as
 * `torch.roll`. Lists of shifts and axes roll one axis after the other.
 */
export const roll = checked(
  'roll',
  { x: kinds.tensor, shift: kinds.axes, axis: kinds.axes },
  (x: Tensor, shift: number | readonly number[], axis: number | readonly number[]): Tensor => {
    const shifts = typeof shift === 'number' ? [shift] : shift;
    const axes = typeof axis === 'number' ? [axis] : axis;
    if (shifts.length !== axes.length) throw invalid('roll', 'one shift for each axis', [shift, axis]);
    return axes.reduce<Tensor>((rolled, each, i) => {
      const over = normaliseAxis('roll', each, x.ndim);
      const length = at(x.shape, over);
      const places = requireInteger('roll', 'shift', shifts[i]) % (length || 1);
      if (places === 0) return rolled;
      const cut = (length - places) % length;
      return concat([sliceAxis(rolled, over, cut, length), sliceAxis(rolled, over, 0, cut)], over);
    }, x);
  },
);
