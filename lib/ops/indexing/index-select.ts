import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { normaliseAxis } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { takeAlongOp } from '../primitives/along.js';
import { expand } from '../primitives/broadcast.js';
import { gatherOp, requireIndices } from '../primitives/gather.js';
import { alongAxis, reshape } from '../primitives/movement.js';

/**
 * The slices of `x` at the given indices of one axis (the first by default), as `torch.index_select`. An index outside
 * of the axis is an error at run time.
 *
 * @param indices int32 or uint8, one axis
 */
export const indexSelect = checked(
  'indexSelect',
  { x: kinds.tensor, indices: kinds.tensor, axis: optional(kinds.axis) },
  (x: Tensor, indices: Tensor, axis = 0): Tensor => {
    const name = 'indexSelect';
    if (x.ndim === 0 && indices.size === 1) {
      return alongAxis(name, x, axis, (line) => indexSelect(line, indices));
    }
    const over = normaliseAxis(name, axis, x.ndim);
    if (indices.ndim !== 1) throw invalid(name, 'indices must have one axis', formatShape(indices.shape));
    const at = requireIndices(name, indices);
    if (over === 0) return new Tensor(gatherOp, [x, at], { name });
    const shape = x.shape.with(over, indices.size);
    const line = reshape(
      at,
      shape.map((_, i) => (i === over ? indices.size : 1)),
    );
    return new Tensor(takeAlongOp, [x, expand(line, shape)], { name, axis: over });
  },
);
