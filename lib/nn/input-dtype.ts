import { invalid } from '../graph/errors.js';
import type { Tensor } from '../graph/tensor.js';

/**
 * Checks that the input of a layer has the dtype of its weights; of a layer without weights, any will do.
 *
 * @throws ChainruleError such as `Linear: the input must be float32 as the weights are; cast('float32') converts it`
 */
export function requireInputDType(op: string, input: Tensor, weight: Tensor | null): void {
  if (!weight || input.dtype === weight.dtype) return;
  const { dtype } = weight;
  throw invalid(
    op,
    `the input must be ${dtype} as the weights are; cast('${dtype}') converts it`,
    input.dtype,
  );
}
