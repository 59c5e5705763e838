import { isFloat } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';

/** Checks that a tensor is float32 or float64. */
export function requireFloat(
  op: string,
  x: Tensor,
  expected = 'needs float32 or float64; cast it first',
): void {
  if (!isFloat(x.dtype)) throw invalid(op, expected, x.dtype);
}
