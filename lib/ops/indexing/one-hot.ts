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
export function oneHot(labels: Tensor, classes: number, dtype: DType = 'float32', op = 'oneHot'): Tensor {
  requireInteger(op, 'classes', classes, { min: labels.size === 0 ? 0 : 1, max: 2 ** 24 });
  const checked = checkLabels(op, labels, classes);
  // A comparison of floats fuses with the arithmetic around it, and represents 2 ** 24 classes exactly.
  const like = isFloat(dtype) ? dtype : 'float32';
  return cast(eq(unsqueeze(cast(checked, like), -1), arange(classes, like)), dtype);
}
