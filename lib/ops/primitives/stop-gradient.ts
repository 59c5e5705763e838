import { checked } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import type { OpRecord } from '../../graph/op.js';
import { Tensor } from '../../graph/tensor.js';

/** The identity, through which no gradient flows. */
export const stopGradientOp: OpRecord<Record<string, never>> = {
  kind: 'stopGradient',
  type: ([x]) => x as Tensor,
  grad: null,
  kernel: { family: 'identity' },
  cost: () => 0,
};

/** The same value, treated as a constant by `grad`; `detach` in PyTorch. */
export const stopGradient = checked(
  'stopGradient',
  { x: kinds.tensor },
  (x: Tensor): Tensor => new Tensor(stopGradientOp, [x], {}),
);
