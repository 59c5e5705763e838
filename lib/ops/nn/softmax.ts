import { requireOptions } from '../../graph/errors.js';
import { normaliseAxes, normaliseAxis } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { isFinite as finiteMask } from '../math/logic.js';
import { keptShape, type ReduceOptions, sum } from '../primitives/broadcast.js';
import { add, exp, log, sub, where } from '../primitives/elementwise.js';
import { floatOnly } from '../primitives/elementwise-record.js';
import { reshape } from '../primitives/movement.js';
import { type Axes, max } from '../primitives/reduce.js';
import { stopGradient } from '../primitives/stop-gradient.js';

/** `log(sum(exp(x)))` over `axes` (the last one by default); stable for large `x`, and -Infinity where all `x` are. */
export function logSumExp(x: Tensor, axes: Axes = -1, options: ReduceOptions = {}): Tensor {
  requireOptions('logSumExp', options);
  const { keepDims = false } = options;
  const over = normaliseAxes('logSumExp', axes, x.ndim);
  const most = stopGradient(max(x, over, { keepDims: true }));
  // The shift cancels out of the result, so its gradient may be omitted.
  const shift = where(finiteMask(most), most, 0);
  const result = add(log(sum(exp(sub(x, shift)), over, { keepDims: true })), shift);
  return keepDims
    ? result
    : reshape(
        result,
        keptShape(x, over).filter((_, axis) => !over.includes(axis)),
      );
}

/** The logarithm of the softmax along an axis (the last by default); stable for large `x`. */
export function logSoftmax(x: Tensor, axis = -1, op = 'logSoftmax'): Tensor {
  floatOnly(op, [x]);
  const over = normaliseAxis(op, axis, x.ndim);
  const shifted = sub(x, stopGradient(max(x, over, { keepDims: true })));
  return sub(shifted, log(sum(exp(shifted), over, { keepDims: true })));
}

/** `exp(x) / sum(exp(x))` along an axis (the last by default); stable for large `x`. */
export function softmax(x: Tensor, axis = -1): Tensor {
  return exp(logSoftmax(x, axis, 'softmax'));
}
