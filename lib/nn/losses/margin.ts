import { kind } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { Tensor } from '../../graph/tensor.js';
import { sum } from '../../ops/primitives/broadcast.js';
import { requireFloat } from '../../ops/primitives/checks.js';
import { add, mul, relu, square, sub, where } from '../../ops/primitives/elementwise.js';
import { unsqueeze } from '../../ops/primitives/movement.js';
import { accuracy } from './accuracy.js';
import { requireSameShape, targetsMust } from './checks.js';
import { configurable } from './configurable.js';
import type { ClassLoss } from './cross-entropy.js';
import { checkLabelRange, Labels } from './labels.js';
import type { Loss, OutputAndTarget, TargetCheck } from './loss.js';
import { type ReductionOptions, reducer, reductionOptions } from './reduction.js';

const inputs = ['output', 'target', 'weights'];

export interface HingeOptions extends ReductionOptions {
  /** Value that the product of output and target should reach. Default 1. */
  readonly margin?: number;
}

const hingeOptions = optionsOf<HingeOptions>({ ...reductionOptions.kinds, margin: kinds.nonNegative });

/** A loss of targets that are ±1, with a check of them. */
export interface SignLoss extends Loss {
  readonly checkTargets: TargetCheck;
}

function hinge(op: string, element: (gap: Tensor) => Tensor) {
  return configurable<OutputAndTarget, HingeOptions, SignLoss>(
    op,
    inputs,
    hingeOptions,
    (options: HingeOptions = {}) => {
      const { margin = 1, reduction } = options;
      const reduce = reducer(op, reduction);
      const loss = (output: Tensor, target: Tensor, weights?: Tensor): Tensor =>
        reduce(element(relu(sub(margin, mul(output, requireSameShape(op, output, target))))), weights);
      const checkTargets = targetsMust(op, '-1 or 1', (target) => target === 1 || target === -1);
      return Object.assign(loss, { checkTargets });
    },
  );
}

/**
 * `max(0, margin - target * output)`, the loss of support vector machines. Both tensors have the same shape; targets
 * are ±1.
 */
export const hingeLoss = hinge('hingeLoss', (gap) => gap);

/** The square of `hingeLoss`, element by element. */
export const squaredHingeLoss = hinge('squaredHingeLoss', square);

export interface MultiMarginOptions extends HingeOptions {
  /** Power of each gap, 1 or 2. Default 1. */
  readonly p?: 1 | 2;
}

const multiMarginOptions = optionsOf<MultiMarginOptions>({
  ...reductionOptions.kinds,
  margin: kinds.finite,
  p: kind<1 | 2>('1 or 2', (value) => value === 1 || value === 2),
});

/**
 * The sum over the other classes of `max(0, margin - output[label] + output[class]) ** p`, divided by the number of
 * classes (Crammer & Singer 2001), as `torch.nn.MultiMarginLoss`.
 *
 * @param output [..., classes]
 * @param labels [...], int32 or uint8; one that is not a class is an error at run time
 */
export const multiMarginLoss = configurable<OutputAndTarget, MultiMarginOptions, ClassLoss>(
  'multiMarginLoss',
  inputs,
  multiMarginOptions,
  (options: MultiMarginOptions = {}) => {
    const { margin = 1, p = 1, reduction } = options;
    const reduce = reducer('multiMarginLoss', reduction);
    const loss = (output: Tensor, target: Tensor, weights?: Tensor): Tensor => {
      requireFloat('multiMarginLoss', output, 'output must be float32 or float64');
      const labels = new Labels('multiMarginLoss', output, target, {});
      const gaps = relu(add(sub(output, unsqueeze(labels.pick(output), -1)), margin));
      const ofOthers = where(labels.is(output), 0, p === 1 ? gaps : square(gaps));
      return reduce(mul(sum(ofOthers, -1), 1 / (output.shape.at(-1) as number)), weights);
    };
    return Object.assign(loss, { metrics: { accuracy }, checkTargets: checkLabelRange('multiMarginLoss') });
  },
);
