import type { Tensor } from '../../graph/tensor.js';
import { abs, ge, gt, le, lt, mul, square, sub, where } from '../../ops/primitives/elementwise.js';
import { requirePositive, requireSameShape } from './checks.js';
import { configurable } from './configurable.js';
import type { Loss, OutputAndTarget } from './loss.js';
import { type ReductionOptions, reducer } from './reduction.js';

const inputs = ['output', 'target'];

/** Makes a loss of the differences between an output and a target of the same shape. */
function ofDifferences<O extends ReductionOptions>(
  op: string,
  element: (options: Partial<O>) => (difference: Tensor) => Tensor,
) {
  return configurable<OutputAndTarget, O, Loss>(op, inputs, (options?: O) => {
    const reduce = reducer(op, options?.reduction);
    const each = element(options ?? {});
    return (output, target) => reduce(each(sub(output, requireSameShape(op, output, target))));
  });
}

/** The squared difference, `(output - target) ** 2`, as `torch.nn.MSELoss`. Both tensors have the same shape. */
export const mseLoss = ofDifferences<ReductionOptions>('mseLoss', () => square);

/** The absolute difference, as `torch.nn.L1Loss`; its gradient at 0 is 0. Both tensors have the same shape. */
export const maeLoss = ofDifferences<ReductionOptions>('maeLoss', () => abs);

export interface HuberOptions extends ReductionOptions {
  /** Differences up to this are squared. Default 1. */
  readonly delta?: number;
}

/**
 * `d ** 2 / 2` for a difference `d` of at most `delta`, and `delta * (|d| - delta / 2)` beyond (Huber 1964), as
 * `torch.nn.HuberLoss`. Both tensors have the same shape.
 */
export const huberLoss = ofDifferences<HuberOptions>('huberLoss', ({ delta = 1 }) => {
  requirePositive('huberLoss', 'delta', delta);
  return (difference) => {
    const size = abs(difference);
    // 0 where it is not selected, because 0 times the infinite gradient of an overflow would be NaN.
    const near = mul(square(where(gt(size, delta), 0, difference)), 0.5);
    return where(le(size, delta), near, mul(sub(size, delta / 2), delta));
  };
});

export interface SmoothL1Options extends ReductionOptions {
  /** Differences smaller than this are squared; 0 gives the absolute difference. Default 1. */
  readonly beta?: number;
}

/**
 * `d ** 2 / (2 beta)` for a difference `d` of less than `beta`, and `|d| - beta / 2` beyond (Girshick 2015), as
 * `torch.nn.SmoothL1Loss`. Both tensors have the same shape.
 */
export const smoothL1Loss = ofDifferences<SmoothL1Options>('smoothL1Loss', ({ beta = 1 }) => {
  requirePositive('smoothL1Loss', 'beta', beta, { zero: true });
  return (difference) => {
    const size = abs(difference);
    if (beta === 0) return size;
    const near = mul(square(where(ge(size, beta), 0, difference)), 0.5 / beta);
    return where(lt(size, beta), near, sub(size, beta / 2));
  };
});
