import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { zeros } from '../../graph/leaf.js';
import { normaliseAxes } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { isFinite as finiteMask } from '../math/logic.js';
import { keptShape, type ReduceOptions, reduceOptions, sum } from '../primitives/broadcast.js';
import { add, eq, exp, log, lt, sub, where } from '../primitives/elementwise.js';
import { floatOnly } from '../primitives/elementwise-record.js';
import { alongAxis, reshape } from '../primitives/movement.js';
import { type Axes, max } from '../primitives/reduce.js';
import { stopGradient } from '../primitives/stop-gradient.js';

const INFINITE = Number.POSITIVE_INFINITY;

/**
 * `log(sum(exp(x)))` over `axes` (the last one by default); stable for large `x`. It is -Infinity where all `x` are, and
 * where there are none. Beside an infinite element, finite ones have no gradient.
 */
export const logSumExp = checked(
  'logSumExp',
  { x: kinds.tensor, axes: optional(kinds.axes), options: optional(reduceOptions) },
  (x: Tensor, axes: Axes = -1, options: ReduceOptions = {}): Tensor => {
    const { keepDims = false } = options;
    const over = normaliseAxes('logSumExp', axes, x.ndim);
    const most = largest(x, over);
    // The shift cancels out of the result, so its gradient may be omitted.
    const shift = where(finiteMask(most), most, 0);
    // Beside an infinite element, the powers of finite ones would overflow.
    const beside = where(eq(most, INFINITE), lt(x, INFINITE), 0);
    const distance = where(beside, 0, sub(x, shift));
    const result = add(log(sum(exp(distance), over, { keepDims: true })), shift);
    return keepDims
      ? result
      : reshape(
          result,
          keptShape(x, over).filter((_, axis) => !over.includes(axis)),
        );
  },
);

/** The logarithm of the softmax along an axis (the last by default); stable for large `x`. */
export const logSoftmax = checked(
  'logSoftmax',
  { x: kinds.tensor, axis: optional(kinds.axis) },
  (x: Tensor, axis = -1): Tensor => logSoftmaxOf('logSoftmax', x, axis),
);

function logSoftmaxOf(op: string, x: Tensor, axis: number): Tensor {
  floatOnly(op, [x]);
  return alongAxis(op, x, axis, (line, over) => {
    const shifted = sub(line, largest(line, [over]));
    return sub(shifted, log(sum(exp(shifted), over, { keepDims: true })));
  });
}

/** The largest elements over some axes, kept, without a gradient; 0 where there are no elements. */
function largest(x: Tensor, axes: readonly number[]): Tensor {
  const kept = keptShape(x, axes);
  if (axes.some((axis) => x.shape[axis] === 0)) return zeros(kept, x.dtype);
  return stopGradient(max(x, axes, { keepDims: true }));
}

/** `exp(x) / sum(exp(x))` along an axis (the last by default); stable for large `x`. */
export const softmax = checked(
  'softmax',
  { x: kinds.tensor, axis: optional(kinds.axis) },
  (x: Tensor, axis = -1): Tensor => exp(logSoftmaxOf('softmax', x, axis)),
);
