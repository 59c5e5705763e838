import { checked } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import type { Tensor } from '../../graph/tensor.js';
import { customGradient } from '../primitives/custom-gradient.js';
import {
  add,
  eq,
  exp,
  expm1,
  ge,
  log,
  log1p,
  maximum,
  mul,
  neg,
  sigmoid,
  sqrt,
  sub,
  where,
} from '../primitives/elementwise.js';
import { broadcast, floatOnly, type Operand } from '../primitives/elementwise-record.js';
import { stopGradient } from '../primitives/stop-gradient.js';
import { reciprocal } from './arithmetic.js';
import { isFinite as finiteMask, isInf as infinityMask } from './logic.js';

/** The logarithm to base 2. */
export const log2 = checked('log2', { x: kinds.tensor }, (x: Tensor): Tensor => mul(log(x), Math.LOG2E));
/** The logarithm to base 10. */
export const log10 = checked('log10', { x: kinds.tensor }, (x: Tensor): Tensor => mul(log(x), Math.LOG10E));
/** `1 / sqrt(x)`. */
export const rsqrt = checked('rsqrt', { x: kinds.tensor }, (x: Tensor): Tensor => reciprocal(sqrt(x)));

/**
 * `log(e ** a + e ** b)`, broadcast; stable for large operands. Equal operands share the gradient evenly, infinite ones
 * included.
 */
export const logAddExp = checked(
  'logAddExp',
  { a: kinds.operand, b: kinds.operand },
  (a: Operand, b: Operand): Tensor => {
    const [left, right] = broadcast('logAddExp', [a, b]) as [Tensor, Tensor];
    floatOnly('logAddExp', [left, right]);
    return joined(left, right);
  },
);

const joined = customGradient(
  function logAddExp(left: Tensor, right: Tensor) {
    return shiftedLogAddExp(left, right);
  },
  (gradient, inputs) => {
    const [left, right] = inputs as [Tensor, Tensor];
    // The difference of equal infinities would be NaN.
    const tie = where(eq(left, right), infinityMask(left), 0);
    const distance = where(tie, 0, sub(left, right));
    return [mul(gradient, sigmoid(distance)), mul(gradient, sigmoid(neg(distance)))];
  },
);

function shiftedLogAddExp(left: Tensor, right: Tensor): Tensor {
  const larger = stopGradient(maximum(left, right));
  // The shift cancels out of the result, so its gradient may be omitted.
  const shift = where(finiteMask(larger), larger, 0);
  const [x, y] = [sub(left, shift), sub(right, shift)];
  return add(log1p(where(ge(x, y), add(expm1(x), exp(y)), add(exp(x), expm1(y)))), shift);
}
