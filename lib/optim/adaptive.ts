import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { at } from '../graph/at.js';
import type { Tensor } from '../graph/tensor.js';
import { add, div, maximum, mul, sqrt, square, sub } from '../ops/primitives/elementwise.js';
import type { Optimizer } from './optimizer.js';
import {
  createOptimizer,
  type GroupOptions,
  groupKinds,
  type OptimizerOptions,
  optimizerOptions,
} from './options.js';
import type { UpdateRule } from './rule.js';

// Adaptive methods before Adam, which divide the gradient by its past size.

export interface AdaGradSettings extends GroupOptions {
  /** The rate is `lr / (1 + step * lrDecay)`. Default 0. */
  readonly lrDecay?: number;
  /** Initial sum of squares. Default 0. */
  readonly initialAccumulator?: number;
  /** Added to the denominator. Default 1e-10. */
  readonly eps?: number;
}

export type AdaGradOptions = OptimizerOptions<AdaGradSettings>;

const adaGradOptions = optimizerOptions<AdaGradSettings>({
  ...groupKinds,
  lrDecay: kinds.nonNegative,
  initialAccumulator: kinds.nonNegative,
  eps: kinds.nonNegative,
});

/** AdaGrad (Duchi, Hazan & Singer 2011), as `torch.optim.Adagrad`. Rate 0.01 by default. */
export const adaGrad = checked(
  'adaGrad',
  { options: optional(adaGradOptions) },
  (options: AdaGradOptions = {}): Optimizer =>
    createOptimizer<AdaGradSettings>(options, adaGradRule, { lr: 1e-2 }),
);

function adaGradRule({ lrDecay = 0, initialAccumulator = 0, eps = 1e-10 }: AdaGradSettings): UpdateRule {
  return {
    name: 'adaGrad',
    settings: { lrDecay, initialAccumulator, eps },
    state: ['squares'],
    scalars: (step, lr) => [lr / (1 + step * lrDecay)],
    update(parameter, gradient, [squares], [rate]) {
      const next = add(squares as Tensor, square(gradient));
      const total = initialAccumulator > 0 ? add(next, initialAccumulator) : next;
      const step = div(mul(gradient, rate as Tensor), add(sqrt(total), eps));
      return { parameter: sub(parameter, step), state: [next] };
    },
  };
}

export interface RmsPropSettings extends GroupOptions {
  /** Decay of the running mean of the squared gradient. Default 0.99. */
  readonly alpha?: number;
  /** Added to the denominator. Default 1e-8. */
  readonly eps?: number;
  /** Share of the last step that is kept. Default 0. */
  readonly momentum?: number;
  /** True to divide by the deviation from the running mean of the gradient (Graves 2013). Default false. */
  readonly centered?: boolean;
}

export type RmsPropOptions = OptimizerOptions<RmsPropSettings>;

const rmsPropOptions = optimizerOptions<RmsPropSettings>({
  ...groupKinds,
  alpha: kinds.share,
  eps: kinds.nonNegative,
  momentum: kinds.share,
  centered: kinds.boolean,
});

/** RMSProp (Tieleman & Hinton 2012), as `torch.optim.RMSprop`. Rate 0.01 by default. */
export const rmsProp = checked(
  'rmsProp',
  { options: optional(rmsPropOptions) },
  (options: RmsPropOptions = {}): Optimizer =>
    createOptimizer<RmsPropSettings>(options, rmsPropRule, { lr: 1e-2 }),
);

function rmsPropRule({
  alpha = 0.99,
  eps = 1e-8,
  momentum = 0,
  centered = false,
}: RmsPropSettings): UpdateRule {
  const means = centered ? ['mean'] : [];
  return {
    name: 'rmsProp',
    settings: { alpha, eps, momentum, centered },
    state: ['square', ...means, ...(momentum > 0 ? ['momentum'] : [])],
    scalars: (_, lr) => [lr],
    update(parameter, gradient, state, [rate]) {
      const [mean, velocity] = [state[1], state[1 + means.length]];
      const nextSquare = add(mul(at(state, 0), alpha), mul(square(gradient), 1 - alpha));
      const nextMean = centered && add(mul(mean as Tensor, alpha), mul(gradient, 1 - alpha));
      // Rounding can make the variance of equal gradients less than 0.
      const variance = nextMean ? maximum(sub(nextSquare, square(nextMean)), 0) : nextSquare;
      const direction = div(gradient, add(sqrt(variance), eps));
      const next = momentum > 0 ? add(mul(velocity as Tensor, momentum), direction) : direction;
      return {
        parameter: sub(parameter, mul(next, rate as Tensor)),
        state: [nextSquare, ...(nextMean ? [nextMean] : []), ...(momentum > 0 ? [next] : [])],
      };
    },
  };
}

export interface AdadeltaSettings extends GroupOptions {
  /** Decay of the running means of the squared gradient and the squared step. Default 0.9. */
  readonly rho?: number;
  /** Added under the square roots. Default 1e-6. */
  readonly eps?: number;
}

export type AdadeltaOptions = OptimizerOptions<AdadeltaSettings>;

const adadeltaOptions = optimizerOptions<AdadeltaSettings>({
  ...groupKinds,
  rho: kinds.share,
  eps: kinds.nonNegative,
});

/** Adadelta (Zeiler 2012), as `torch.optim.Adadelta`. Rate 1 by default. */
export const adadelta = checked(
  'adadelta',
  { options: optional(adadeltaOptions) },
  (options: AdadeltaOptions = {}): Optimizer =>
    createOptimizer<AdadeltaSettings>(options, adadeltaRule, { lr: 1 }),
);

function adadeltaRule({ rho = 0.9, eps = 1e-6 }: AdadeltaSettings): UpdateRule {
  return {
    name: 'adadelta',
    settings: { rho, eps },
    state: ['square', 'squaredStep'],
    scalars: (_, lr) => [lr],
    update(parameter, gradient, [mean, steps], [rate]) {
      const nextMean = add(mul(mean as Tensor, rho), mul(square(gradient), 1 - rho));
      const ratio = div(sqrt(add(steps as Tensor, eps)), sqrt(add(nextMean, eps)));
      const step = mul(ratio, gradient);
      const nextSteps = add(mul(steps as Tensor, rho), mul(square(step), 1 - rho));
      return { parameter: sub(parameter, mul(step, rate as Tensor)), state: [nextMean, nextSteps] };
    },
  };
}
