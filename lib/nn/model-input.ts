import { isFloat } from '../graph/dtype.js';
import type { Tensor } from '../graph/tensor.js';
import { cast } from '../ops/primitives/elementwise.js';

/** A batch as a model takes it: bytes become numbers; integers are left as they are, for embeddings. */
export function asModelInput(x: Tensor): Tensor {
  return isFloat(x.dtype) || x.dtype === 'int32' ? x : cast(x, 'float32');
}
