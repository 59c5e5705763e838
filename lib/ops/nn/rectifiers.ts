import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { formatShape, invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { add, expm1, ge, gt, le, mul, where } from '../primitives/elementwise.js';
import { floatOnly } from '../primitives/elementwise-record.js';
import { reshape } from '../primitives/movement.js';
import { requireNumber, requireRange } from './checks.js';

// Piecewise activations. A piece that may overflow gets 0 as its argument where another one is selected: the gradient
// of `where` multiplies the unselected piece by 0, and 0 times infinity is NaN.

/**
 * `x` clamped to the range from `low` to `high`; the gradient is 0 at both ends, as in `torch.nn.Hardtanh`.
 *
 * @throws when `low` is greater than `high`
 */
export const hardTanh = checked(
  'hardTanh',
  { x: kinds.tensor, low: optional(kinds.number), high: optional(kinds.number) },
  (x: Tensor, low = -1, high = 1): Tensor => {
    floatOnly('hardTanh', [x]);
    requireRange('hardTanh', low, high);
    return between(x, low, high);
  },
);

/** `min(max(x, 0), 6)` (Krizhevsky 2010); the gradient is 0 at 0 and at 6, as in PyTorch. */
export const relu6 = checked('relu6', { x: kinds.tensor }, (x: Tensor): Tensor => {
  floatOnly('relu6', [x]);
  return between(x, 0, 6);
});

/** `x / 6 + 1 / 2` from -3 to 3, 0 below and 1 above, as `torch.nn.Hardsigmoid`; the gradient is 0 at both ends. */
export const hardSigmoid = checked('hardSigmoid', { x: kinds.tensor }, (x: Tensor): Tensor => {
  floatOnly('hardSigmoid', [x]);
  return where(le(x, -3), 0, where(ge(x, 3), 1, add(mul(x, 1 / 6), 0.5)));
});

/** `x * hardSigmoid(x)` (Howard et al. 2019), as `torch.nn.Hardswish`. */
export const hardSwish = checked('hardSwish', { x: kinds.tensor }, (x: Tensor): Tensor => {
  floatOnly('hardSwish', [x]);
  const inside = between(x, -3, 3);
  return where(le(x, -3), 0, where(ge(x, 3), x, mul(inside, add(mul(inside, 1 / 6), 0.5))));
});

/** `x` where positive, else `alpha * (e ** x - 1)` (Clevert et al. 2016), as `torch.nn.ELU`. */
export const elu = checked(
  'elu',
  { x: kinds.tensor, alpha: optional(kinds.finite) },
  (x: Tensor, alpha = 1): Tensor => {
    floatOnly('elu', [x]);
    requireNumber('elu', 'alpha', alpha);
    return exponentialBelow(x, alpha, 1);
  },
);

/** `x` where positive, else `alpha * (e ** (x / alpha) - 1)`, smooth at 0 (Barron 2017), as `torch.nn.CELU`. */
export const celu = checked(
  'celu',
  { x: kinds.tensor, alpha: optional(kinds.finite) },
  (x: Tensor, alpha = 1): Tensor => {
    floatOnly('celu', [x]);
    requireNumber('celu', 'alpha', alpha, { zero: false });
    return exponentialBelow(x, alpha, 1 / alpha);
  },
);

const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

/** The ELU that keeps activations at mean 0 and variance 1 (Klambauer et al. 2017), as `torch.nn.SELU`. */
export const selu = checked('selu', { x: kinds.tensor }, (x: Tensor): Tensor => {
  floatOnly('selu', [x]);
  return mul(exponentialBelow(x, SELU_ALPHA, 1), SELU_SCALE);
});

/**
 * `x` where positive, else `weight * x`, with a slope that is learned (He et al. 2015), as `torch.nn.PReLU`.
 *
 * @param weight one slope, or one for each element of the last axis: [1] or [C]
 */
export const prelu = checked(
  'prelu',
  { x: kinds.tensor, weight: kinds.tensor },
  (x: Tensor, weight: Tensor): Tensor => {
    floatOnly('prelu', [x, weight]);
    const fits = weight.size === 1 || weight.shape[0] === x.shape.at(-1);
    if (weight.ndim !== 1 || !fits) {
      const shapes = `${formatShape(weight.shape)} for an input of ${formatShape(x.shape)}`;
      throw invalid('prelu', `weight must be [1], or as long as the last axis, got ${shapes}`);
    }
    const slopes = weight.size === 1 ? reshape(weight, []) : weight;
    return where(gt(x, 0), x, mul(x, slopes));
  },
);

/** Clamps `x`. NaN is neither below nor above, so it passes through. */
function between(x: Tensor, low: number, high: number): Tensor {
  return where(le(x, low), low, where(ge(x, high), high, x));
}

/** `x` where positive, else `alpha * (e ** (rate * x) - 1)`. */
function exponentialBelow(x: Tensor, alpha: number, rate: number): Tensor {
  const below = where(gt(x, 0), 0, x);
  return where(gt(x, 0), x, mul(expm1(mul(below, rate)), alpha));
}
