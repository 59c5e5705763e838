import { normaliseAxis } from '../shapes.js';
import type { Tensor } from '../tensor.js';
import { sum } from './broadcast.js';
import { add, exp, log, sub } from './elementwise.js';
import { max } from './reduce.js';
import { stopGradient } from './stop-gradient.js';

/** `log(sum(exp(x)))` on an axis, which is kept with length 1; stable for large `x`. */
export function logSumExp(x: Tensor, axis = -1): Tensor {
  const over = normaliseAxis('logSumExp', axis, x.ndim);
  // The shift cancels out of the result, so its gradient may be left out.
  const shift = stopGradient(max(x, over, { keepDims: true }));
  return add(log(sum(exp(sub(x, shift)), over, { keepDims: true })), shift);
}

/** The logarithm of the softmax on an axis (the last by default); stable for large `x`. */
export function logSoftmax(x: Tensor, axis = -1, op = 'logSoftmax'): Tensor {
  const over = normaliseAxis(op, axis, x.ndim);
  const shifted = sub(x, stopGradient(max(x, over, { keepDims: true })));
  return sub(shifted, log(sum(exp(shifted), over, { keepDims: true })));
}

/** `exp(x) / sum(exp(x))` on an axis (the last by default); stable for large `x`. */
export function softmax(x: Tensor, axis = -1): Tensor {
  return exp(logSoftmax(x, axis, 'softmax'));
}
