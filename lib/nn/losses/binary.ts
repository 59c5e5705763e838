import { either } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { tensor } from '../../graph/leaf.js';
import type { NumberArray } from '../../graph/number-arrays.js';
import { broadcastShapes, sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { softplus } from '../../ops/nn/smooth-activations.js';
import {
  add,
  cast,
  div,
  gt,
  log,
  log1p,
  maximum,
  mul,
  neg,
  sub,
  where,
} from '../../ops/primitives/elementwise.js';
import { stopGradient } from '../../ops/primitives/stop-gradient.js';
import { binaryAccuracy } from './accuracy.js';
import { factors, requireFactors, requireSameShape, targetsMust } from './checks.js';
import { configurable } from './configurable.js';
import type { Loss, Metric, OutputAndTarget, TargetCheck } from './loss.js';
import { type ReductionOptions, reducer, reductionOptions } from './reduction.js';

const inputs = ['output', 'target', 'weights'];

export interface BinaryOptions extends ReductionOptions {
  /** Factor for each element, broadcast with the output; the mean is still divided by the number of elements. */
  readonly weight?: Tensor | readonly number[] | NumberArray;
}

const binaryOptions = optionsOf<BinaryOptions>({ ...reductionOptions.kinds, weight: factors });

export interface BinaryLogitOptions extends BinaryOptions {
  /** Factor on the loss of targets of 1: one number, or values broadcast with the output. Default 1. */
  readonly posWeight?: number | Tensor | readonly number[] | NumberArray;
}

const binaryLogitOptions = optionsOf<BinaryLogitOptions>({
  ...binaryOptions.kinds,
  posWeight: either(kinds.nonNegative, factors),
});

/** A loss of binary targets, with metrics and a check of its targets. */
export interface BinaryLoss extends Loss {
  readonly metrics: { readonly binaryAccuracy: Metric };
  readonly checkTargets: TargetCheck;
}

/** The factors as a tensor of the output's dtype that broadcasts to the output's shape. */
function elementFactors(
  op: string,
  name: string,
  given: Tensor | readonly number[] | NumberArray,
  output: Tensor,
): Tensor {
  const factors = given instanceof Tensor ? given : tensor(given, { dtype: output.dtype });
  if (!sameShape(broadcastShapes(op, factors.shape, output.shape), output.shape)) {
    const shapes = `${formatShape(factors.shape)} for ${formatShape(output.shape)}`;
    throw invalid(op, `${name} must broadcast to the shape of the output, got ${shapes}`);
  }
  return cast(factors, output.dtype);
}

/**
 * Makes a binary loss from its elementwise formula: weighted, then reduced. Its metric predicts 1 above `threshold`.
 */
function binaryLoss(
  op: string,
  threshold: number,
  { weight, reduction }: BinaryOptions,
  element: (output: Tensor, target: Tensor) => Tensor,
): BinaryLoss {
  const reduce = reducer(op, reduction);
  requireFactors(op, 'weight', weight);
  const loss = (output: Tensor, target: Tensor, weights?: Tensor): Tensor => {
    const losses = element(output, requireSameShape(op, output, target));
    const factors = weight === undefined ? undefined : elementFactors(op, 'weight', weight, output);
    return reduce(factors ? mul(losses, factors) : losses, weights);
  };
  return Object.assign(loss, {
    metrics: { binaryAccuracy: threshold === 0 ? binaryAccuracy : binaryAccuracy.with({ threshold }) },
    checkTargets: targetsMust(op, 'from 0 to 1', (target) => target >= 0 && target <= 1),
  });
}

/**
 * The binary cross-entropy of the targets under the sigmoid of the output, `-log(sigmoid(x))` for a target of 1 and
 * `-log(1 - sigmoid(x))` for 0, as `torch.nn.BCEWithLogitsLoss`; stable for logits of any size. Both tensors have the
 * same shape; targets are from 0 to 1.
 */
export const binaryCrossEntropyWithLogits = configurable<OutputAndTarget, BinaryLogitOptions, BinaryLoss>(
  'binaryCrossEntropyWithLogits',
  inputs,
  binaryLogitOptions,
  (options: BinaryLogitOptions = {}) => {
    const op = 'binaryCrossEntropyWithLogits';
    const { posWeight = 1 } = options;
    if (typeof posWeight !== 'number') requireFactors(op, 'posWeight', posWeight);
    return binaryLoss(op, 0, options, (x, target) => {
      // -log(sigmoid(x)) is softplus(-x), and -log(1 - sigmoid(x)) is x + softplus(-x).
      const ofYes = softplus(neg(x), { threshold: 40 });
      const surplus =
        typeof posWeight === 'number' ? posWeight - 1 : sub(elementFactors(op, 'posWeight', posWeight, x), 1);
      const scaled = surplus === 0 ? ofYes : mul(ofYes, add(mul(target, surplus), 1));
      return add(mul(sub(1, target), x), scaled);
    });
  },
);

/**
 * The binary cross-entropy of the targets under probabilities, `-log(p)` for a target of 1 and `-log(1 - p)` for 0,
 * as `torch.nn.BCELoss`: logarithms are clamped at -100. Where `p * (1 - p)` is below 1e-12 the gradient is `(p -
 * target) * 1e12`, as in PyTorch. `binaryCrossEntropyWithLogits` is more accurate near 0 and 1. Both tensors have the
 * same shape, and values from 0 to 1.
 */
export const binaryCrossEntropy = configurable<OutputAndTarget, BinaryOptions, BinaryLoss>(
  'binaryCrossEntropy',
  inputs,
  binaryOptions,
  (options: BinaryOptions = {}) =>
    binaryLoss('binaryCrossEntropy', 0.5, options, (p, target) => {
      const inside = gt(mul(p, sub(1, p)), EDGE);
      const safe = where(inside, p, 0.5);
      const exact = neg(add(mul(target, log(safe)), mul(sub(1, target), log1p(neg(safe)))));
      return where(inside, exact, atTheEdge(p, target));
    }),
);

/** Bound on `p * (1 - p)` below which PyTorch's gradient replaces the true one. */
const EDGE = 1e-12;

/** The loss with its logarithms clamped at -100, and the gradient that PyTorch gives it. */
function atTheEdge(p: Tensor, target: Tensor): Tensor {
  const yes = maximum(stopGradient(log(p)), -100);
  const no = maximum(stopGradient(log1p(neg(p))), -100);
  const value = neg(add(mul(target, yes), mul(sub(1, target), no)));
  const slope = stopGradient(div(sub(p, target), EDGE));
  return add(value, mul(slope, sub(p, stopGradient(p))));
}
