import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { div, gt, lt, where } from '../primitives/elementwise.js';
import { broadcast, numbers, type Operand } from '../primitives/elementwise-record.js';

/** `1 / x`; floats only. */
export const reciprocal = (x: Tensor): Tensor => div(1, x);

/**
 * `x` between two limits, as `torch.clamp`: what is below `low` becomes `low`, then what is above `high` becomes `high`.
 * Each may be a number, a tensor that broadcasts with `x`, or left out. The gradient reaches `x` where it lies within the
 * limits, ends included, and otherwise the limit that stands for it.
 */
export function clip(x: Tensor, low?: Operand, high?: Operand): Tensor {
  if (low === undefined && high === undefined) throw invalid('clip', 'low, high or both must be given', low);
  const operands = [x, low ?? 0, high ?? 0];
  const [value, least, most] = broadcast('clip', operands) as [Tensor, Tensor, Tensor];
  numbers('clip', [value, least, most]);
  const raised = low === undefined ? value : where(lt(value, least), least, value);
  return high === undefined ? raised : where(gt(raised, most), most, raised);
}
