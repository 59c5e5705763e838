import { isFloat } from '../graph/dtype.js';
import { cast } from '../graph/ops/elementwise.js';
import type { Tensor } from '../graph/tensor.js';

/** A batch as a model takes it: bytes become numbers; integers are left as they are, for embeddings. */
export function asModelInput(x: Tensor): Tensor {
  return isFloat(x.dtype) || x.dtype === 'int32' ? x : cast(x, 'float32');
}
