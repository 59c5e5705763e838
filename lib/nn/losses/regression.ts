import * as kinds from '../../graph/arguments/kinds.js';
import { type Options, optionsOf } from '../../graph/arguments/options.js';
import type { Tensor } from '../../graph/tensor.js';
import { abs, ge, gt, le, lt, mul, square, sub, where } from '../../ops/primitives/elementwise.js';
import { requireSameShape } from './checks.js';
import { configurable } from './configurable.js';
import type { Loss, OutputAndTarget } from './loss.js';
import { type ReductionOptions, reducer, reductionOptions } from './reduction.js';

const inputs = ['output', 'target', 'weights'];

/** Makes a loss of the differences between an output and a target of the same shape. */
function ofDifferences<O extends ReductionOptions>(
  op: string,
  options: Options<O>,
  element: (options: Partial<O>) => (difference: Tensor) => Tensor,
) {
  return configurable<OutputAndTarget, O, Loss>(op, inputs, options, (given?: O) => {
    const reduce = reducer(op, given?.reduction);
    const each = element(given ?? {});
    return (output, target, weights) =>
      reduce(each(sub(output, requireSameShape(op, output, target))), weights);
  });
}

/** The squared difference, `(output - target) ** 2`, as `torch.nn.MSELoss`. Both tensors have the same shape. */
export const mseLoss = ofDifferences<ReductionOptions>('mseLoss', reductionOptions, () => square);

/** The absolute difference, as `torch.nn.L1Loss`; its gradient at 0 is 0. Both tensors have the same shape. */
export const maeLoss = ofDifferences<ReductionOptions>('maeLoss', reductionOptions, () => abs);

export interface HuberOptions extends ReductionOptions {
  /** Differences up to this are squared. Default 1. */
  readonly delta?: number;
}

const huberOptions = optionsOf<HuberOptions>({ ...reductionOptions.kinds, delta: kinds.positive });

/**
 * `d ** 2 / 2` for a difference `d` of at most `delta`, and `delta * (|d| - delta / 2)` beyond (Huber 1964), as
 * `torch.nn.HuberLoss`. Both tensors have the same shape.
 */
export const huberLoss = ofDifferences<HuberOptions>('huberLoss', huberOptions, ({ delta = 1 }) => {
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

const smoothL1Options = optionsOf<SmoothL1Options>({ ...reductionOptions.kinds, beta: kinds.nonNegative });

/**
 * `d ** 2 / (2 beta)` for a difference `d` of less than `beta`, and `|d| - beta / 2` beyond (Girshick 2015), as
 * `torch.nn.SmoothL1Loss`. Both tensors have the same shape.
 */
export const smoothL1Loss = ofDifferences<SmoothL1Options>(
  'smoothL1Loss',
  smoothL1Options,
  ({ beta = 1 }) => {
    return (difference) => {
      const size = abs(difference);
      if (beta === 0) return size;
      const near = mul(square(where(ge(size, beta), 0, difference)), 0.5 / beta);
      return where(lt(size, beta), near, sub(size, beta / 2));
    };
  },
);
