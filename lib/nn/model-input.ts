import { isFloat } from '../graph/dtype.js';
import type { Tensor } from '../graph/tensor.js';
import { cast } from '../ops/primitives/elementwise.js';

/** Converts a batch to the input of a model: bytes become float32; int32 stays, for embeddings. */
export function asModelInput(x: Tensor): Tensor {
  return isFloat(x.dtype) || x.dtype === 'int32' ? x : cast(x, 'float32');
}
