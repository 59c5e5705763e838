import { formatShape, invalid } from '../../graph/errors.js';
import { tensor } from '../../graph/leaf.js';
import { broadcastShapes, sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
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
import { requireFactors, requirePositive, requireSameShape, targetsMust } from './check.js';
import { configurable } from './configurable.js';
import type { Loss, Metric, OutputAndTarget, TargetCheck } from './loss.js';
import { type ReductionOptions, reducer } from './reduction.js';

const inputs = ['output', 'target'];

export interface BinaryOptions extends ReductionOptions {
  /** A factor for each element, broadcast with the output; the mean is still divided by the number of elements. */
  readonly weight?: Tensor | readonly number[];
}

export interface BinaryLogitOptions extends BinaryOptions {
  /** A factor for what targets of 1 cost, one for all or broadcast with the output. Default 1. */
  readonly posWeight?: number | Tensor | readonly number[];
}

/** A loss of yes or no: it has metrics, and checks its targets. */
export interface BinaryLoss extends Loss {
  readonly metrics: { readonly binaryAccuracy: Metric };
  readonly checkTargets: TargetCheck;
}

/** Factors as a tensor of the output's dtype, which broadcasts to the output. */
function factorsOf(op: string, name: string, given: Tensor | readonly number[], output: Tensor): Tensor {
  const factors = Array.isArray(given) ? tensor(given, { dtype: output.dtype }) : (given as Tensor);
  if (!sameShape(broadcastShapes(op, factors.shape, output.shape), output.shape)) {
    const shapes = `${formatShape(factors.shape)} for ${formatShape(output.shape)}`;
    throw invalid(op, `${name} must broadcast to the shape of the output, got ${shapes}`);
  }
  return cast(factors, output.dtype);
}

/** Applies the weights, and reduces; metrics say yes above the threshold. */
function binaryLoss(
  op: string,
  threshold: number,
  { weight, reduction }: BinaryOptions,
  element: (output: Tensor, target: Tensor) => Tensor,
): BinaryLoss {
  const reduce = reducer(op, reduction);
  requireFactors(op, 'weight', weight);
  const loss = (output: Tensor, target: Tensor): Tensor => {
    const losses = element(output, requireSameShape(op, output, target));
    return reduce(weight === undefined ? losses : mul(losses, factorsOf(op, 'weight', weight, output)));
  };
  return Object.assign(loss, {
    metrics: { binaryAccuracy: threshold === 0 ? binaryAccuracy : binaryAccuracy.with({ threshold }) },
    checkTargets: targetsMust(op, 'from 0 to 1', (target) => target >= 0 && target <= 1),
  });
}

/**
 * The cross-entropy of yes-or-no targets under the sigmoid of the output, `-log(sigmoid(x))` for a target of 1 and
 * `-log(1 - sigmoid(x))` for 0, as `torch.nn.BCEWithLogitsLoss`; stable for logits of any size. Both tensors have one
 * shape; targets are from 0 to 1.
 */
export const binaryCrossEntropyWithLogits = configurable<OutputAndTarget, BinaryLogitOptions, BinaryLoss>(
  'binaryCrossEntropyWithLogits',
  inputs,
  (options: BinaryLogitOptions = {}) => {
    const op = 'binaryCrossEntropyWithLogits';
    const { posWeight = 1 } = options;
    if (typeof posWeight === 'number') requirePositive(op, 'posWeight', posWeight, { zero: true });
    else requireFactors(op, 'posWeight', posWeight);
    return binaryLoss(op, 0, options, (x, target) => {
      // -log(sigmoid(x)) is softplus(-x), and -log(1 - sigmoid(x)) is x more than that.
      const ofYes = softplus(neg(x), { threshold: 40 });
      const surplus =
        typeof posWeight === 'number' ? posWeight - 1 : sub(factorsOf(op, 'posWeight', posWeight, x), 1);
      const scaled = surplus === 0 ? ofYes : mul(ofYes, add(mul(target, surplus), 1));
      return add(mul(sub(1, target), x), scaled);
    });
  },
);

/**
 * The cross-entropy of yes-or-no targets under probabilities, `-log(p)` for a target of 1 and `-log(1 - p)` for 0, as
 * `torch.nn.BCELoss`: logarithms stop at -100. Where `p * (1 - p)` is below 1e-12 the gradient is `(p - target) *
 * 1e12`, as there. `binaryCrossEntropyWithLogits` loses less near 0 and 1. Both tensors have one shape; both are from 0
 * to 1.
 */
export const binaryCrossEntropy = configurable<OutputAndTarget, BinaryOptions, BinaryLoss>(
  'binaryCrossEntropy',
  inputs,
  (options: BinaryOptions = {}) =>
    binaryLoss('binaryCrossEntropy', 0.5, options, (p, target) => {
      const inside = gt(mul(p, sub(1, p)), EDGE);
      const safe = where(inside, p, 0.5);
      const exact = neg(add(mul(target, log(safe)), mul(sub(1, target), log1p(neg(safe)))));
      return where(inside, exact, atTheEdge(p, target));
    }),
);

/** `p * (1 - p)` below which the true gradient is not to be used. */
const EDGE = 1e-12;

/** The loss with its logarithms cut at -100, and the slope that PyTorch gives it. */
function atTheEdge(p: Tensor, target: Tensor): Tensor {
  const yes = maximum(stopGradient(log(p)), -100);
  const no = maximum(stopGradient(log1p(neg(p))), -100);
  const value = neg(add(mul(target, yes), mul(sub(1, target), no)));
  const slope = stopGradient(div(sub(p, target), EDGE));
  return add(value, mul(slope, sub(p, stopGradient(p))));
}
