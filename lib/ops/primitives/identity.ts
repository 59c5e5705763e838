import type { OpRecord } from '../../graph/op.js';
import { Tensor } from '../../graph/tensor.js';

/** The same value as a separate node, so that derivatives can be taken with respect to one use of a tensor. */
export const identityOp: OpRecord<Record<string, never>> = {
  kind: 'identity',
  type: ([x]) => x as Tensor,
  grad: (gradient) => [gradient],
  kernel: { family: 'identity' },
  cost: () => 0,
};

/** The same value as a separate node: dependence on it is distinct from dependence on `x`. */
export function identity(x: Tensor): Tensor {
  return new Tensor(identityOp, [x], {});
}
