import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { type DType, isFloat } from '../../graph/dtype.js';
import { requireInteger } from '../../graph/errors.js';
import { arange } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { cast, eq } from '../primitives/elementwise.js';
import { checkLabels } from '../primitives/gather.js';
import { unsqueeze } from '../primitives/movement.js';

/**
 * One-hot encoding: 1 at each label's place along a new last axis, 0 elsewhere. A label outside of the classes is an
 * error at run time. Without labels there may be no classes.
 *
 * @param labels int32 or uint8, any shape
 * @returns [...labels.shape, classes]
 */
export const oneHot = checked(
  'oneHot',
  { labels: kinds.tensor, classes: kinds.index, dtype: optional(kinds.dtype) },
  (labels: Tensor, classes: number, dtype: DType = 'float32'): Tensor => {
    requireInteger('oneHot', 'classes', classes, { min: labels.size === 0 ? 0 : 1, max: 2 ** 24 });
    const checked = checkLabels('oneHot', labels, classes);
    // A comparison of floats fuses with the arithmetic around it, and represents 2 ** 24 classes exactly.
    const like = isFloat(dtype) ? dtype : 'float32';
    return cast(eq(unsqueeze(cast(checked, like), -1), arange(classes, like)), dtype);
  },
);
