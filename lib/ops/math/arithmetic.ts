import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { div, gt, lt, where } from '../primitives/elementwise.js';
import { broadcast, numbers, type Operand } from '../primitives/elementwise-record.js';

/** `1 / x`; floats only. */
export const reciprocal = checked('reciprocal', { x: kinds.tensor }, (x: Tensor): Tensor => div(1, x));

/**
 * Clamps `x` to two limits, as `torch.clamp`: elements below `low` become `low`, then elements above `high` become
 * `high`. Each limit is a number, a tensor that broadcasts with `x`, or omitted. The gradient flows to `x` within the
 * limits, ends included, and elsewhere to the limit that replaces it.
 */
export const clip = checked(
  'clip',
  { x: kinds.tensor, low: optional(kinds.operand), high: optional(kinds.operand) },
  (x: Tensor, low?: Operand, high?: Operand): Tensor => {
    if (low === undefined && high === undefined)
      throw invalid('clip', 'low, high or both must be given', low);
    const operands = [x, low ?? 0, high ?? 0];
    const [value, least, most] = broadcast('clip', operands) as [Tensor, Tensor, Tensor];
    numbers('clip', [value, least, most]);
    const raised = low === undefined ? value : where(lt(value, least), least, value);
    return high === undefined ? raised : where(gt(raised, most), most, raised);
  },
);
