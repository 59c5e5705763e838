import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { sum } from '../../ops/primitives/broadcast.js';
import { add, div, eq, exp, ge, gt, log, mul, square, sub, where } from '../../ops/primitives/elementwise.js';
import { stopGradient } from '../../ops/primitives/stop-gradient.js';
import { requireSameShape } from './checks.js';
import { configurable } from './configurable.js';
import type { Loss, OutputAndTarget } from './loss.js';
import { factorsOf, type Reduction, type ReductionOptions, reducer, reductionOptions } from './reduction.js';
import { ratio } from './sums.js';

export interface KLOptions {
  /** 'batchmean', the sum divided by the length of the first axis, is the divergence itself. Default 'mean'. */
  readonly reduction?: Reduction | 'batchmean';
  /** True if targets, as outputs, are log-probabilities. Default false. */
  readonly logTarget?: boolean;
}

const klOptions = optionsOf<KLOptions>({
  reduction: kinds.oneOf('mean', 'sum', 'none', 'batchmean'),
  logTarget: kinds.boolean,
});

/**
 * `target * (log(target) - output)` element by element, where the output is log-probabilities: the Kullback-Leibler
 * divergence of the output from the target, as `torch.nn.KLDivLoss`. Where a target is 0, the term and its gradient
 * for the target are 0; where it is negative, the term is NaN. Both tensors have the same shape.
 */
export const klDivergence = configurable<OutputAndTarget, KLOptions, Loss>(
  'klDivergence',
  ['output', 'target', 'weights'],
  klOptions,
  ({ reduction = 'mean', logTarget = false }: KLOptions = {}) => {
    const reduce = reduction === 'batchmean' ? meanOverFirst : reducer('klDivergence', reduction);
    return (output, target, weights) => {
      const given = requireSameShape('klDivergence', output, target);
      if (logTarget) return reduce(mul(exp(given), sub(given, output)), weights);
      const safe = where(eq(given, 0), 1, given);
      return reduce(mul(given, sub(log(safe), output)), weights);
    };
  },
);

function meanOverFirst(terms: Tensor, weights?: Tensor): Tensor {
  const [rows] = terms.shape;
  if (rows === undefined) throw invalid('klDivergence', "'batchmean' needs an axis of rows", terms.shape);
  if (!weights) return mul(sum(terms), 1 / rows);
  const factors = factorsOf('klDivergence', terms, weights);
  return ratio(sum(mul(terms, factors)), sum(factors));
}

export interface PoissonOptions extends ReductionOptions {
  /** True if the output is the logarithm of the rate. Default true. */
  readonly logInput?: boolean;
  /** True to add Stirling's approximation of `log(target!)` for targets above 1. Default false. */
  readonly full?: boolean;
  /** Added to the rate before its logarithm is taken. Default 1e-8. */
  readonly eps?: number;
}

const poissonOptions = optionsOf<PoissonOptions>({
  ...reductionOptions.kinds,
  logInput: kinds.boolean,
  full: kinds.boolean,
  eps: kinds.nonNegative,
});

/**
 * The negative log-likelihood of counts under Poisson distributions, `e ** output - target * output`, or `output -
 * target * log(output + eps)` where the output is the rate itself, as `torch.nn.PoissonNLLLoss`. Log-rates above 88
 * overflow float32. Both tensors have the same shape.
 */
export const poissonNLLLoss = configurable<OutputAndTarget, PoissonOptions, Loss>(
  'poissonNLLLoss',
  ['output', 'target', 'weights'],
  poissonOptions,
  ({ logInput = true, full = false, eps = 1e-8, reduction }: PoissonOptions = {}) => {
    const reduce = reducer('poissonNLLLoss', reduction);
    return (output, target, weights) => {
      const counts = requireSameShape('poissonNLLLoss', output, target);
      const loss = logInput
        ? sub(exp(output), mul(counts, output))
        : sub(output, mul(counts, log(add(output, eps))));
      return reduce(full ? add(loss, stirling(counts)) : loss, weights);
    };
  },
);

/** Stirling's approximation of `log(n!)`, `n log(n) - n + log(2 pi n) / 2`; 0 for `n` up to 1. */
function stirling(n: Tensor): Tensor {
  const safe = where(gt(n, 1), n, 1);
  const value = add(sub(mul(safe, log(safe)), safe), mul(log(mul(safe, 2 * Math.PI)), 0.5));
  return where(gt(n, 1), value, 0);
}

export interface GaussianOptions extends ReductionOptions {
  /** True to add the constant `log(2 pi) / 2`. Default false. */
  readonly full?: boolean;
  /** Lower bound on the variance. Default 1e-6. */
  readonly eps?: number;
}

const gaussianOptions = optionsOf<GaussianOptions>({
  ...reductionOptions.kinds,
  full: kinds.boolean,
  eps: kinds.positive,
});

/**
 * The negative log-likelihood of targets under normal distributions with the given means and variances, `(log(v) +
 * (mean - target) ** 2 / v) / 2` with `v = max(variance, eps)` (Nix & Weigend 1994), as `torch.nn.GaussianNLLLoss`.
 * The gradient ignores the maximum. All three have the same shape.
 */
export const gaussianNLLLoss = configurable<
  [mean: Tensor, target: Tensor, variance: Tensor],
  GaussianOptions,
  (mean: Tensor, target: Tensor, variance: Tensor) => Tensor
>(
  'gaussianNLLLoss',
  ['mean', 'target', 'variance'],
  gaussianOptions,
  ({ full = false, eps = 1e-6, reduction }: GaussianOptions = {}) => {
    const reduce = reducer('gaussianNLLLoss', reduction);
    return (output, target, variance) => {
      const truth = requireSameShape('gaussianNLLLoss', output, target, ['mean', 'target']);
      const given = requireSameShape('gaussianNLLLoss', output, variance, ['mean', 'variance']);
      // The value is eps where the variance is less, and the gradient 1 everywhere.
      const v = where(ge(given, eps), given, add(sub(given, stopGradient(given)), eps));
      const loss = mul(add(log(v), div(square(sub(output, truth)), v)), 0.5);
      return reduce(full ? add(loss, Math.log(2 * Math.PI) / 2) : loss);
    };
  },
);
