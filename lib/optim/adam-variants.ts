import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import type { OptionKinds } from '../graph/arguments/options.js';
import type { Tensor } from '../graph/tensor.js';
import { add, div, gt, mul, sqrt, sub, where } from '../ops/primitives/elementwise.js';
import { betas } from './kinds.js';
import type { Optimizer } from './optimizer.js';
import {
  createOptimizer,
  type GroupOptions,
  groupKinds,
  type OptimizerOptions,
  optimizerOptions,
} from './options.js';
import type { UpdateRule } from './rule.js';

/** Settings that NAdam and RAdam share. */
export interface DecoupledAdamSettings extends GroupOptions {
  /** Decay of the running means of the gradient and of its square. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the denominator. Default 1e-8. */
  readonly eps?: number;
  /** True if weight decay shrinks the parameter itself, as in AdamW, instead of being an L2 penalty. Default false. */
  readonly decoupled?: boolean;
}

const decoupledKinds: OptionKinds<DecoupledAdamSettings> = {
  ...groupKinds,
  betas,
  eps: kinds.nonNegative,
  decoupled: kinds.boolean,
};

export interface NAdamSettings extends DecoupledAdamSettings {
  /** Speed at which the momentum rises to its full size. Default 0.004. */
  readonly momentumDecay?: number;
}

export type NAdamOptions = OptimizerOptions<NAdamSettings>;

const nAdamOptions = optimizerOptions<NAdamSettings>({ ...decoupledKinds, momentumDecay: kinds.nonNegative });

/** Adam with Nesterov's momentum (Dozat 2016), as `torch.optim.NAdam`. Rate 2e-3 by default. */
export const nAdam = checked(
  'nAdam',
  { options: optional(nAdamOptions) },
  (options: NAdamOptions = {}): Optimizer => createOptimizer<NAdamSettings>(options, nAdamRule, { lr: 2e-3 }),
);

function nAdamRule({
  betas: [beta1, beta2] = [0.9, 0.999],
  eps = 1e-8,
  momentumDecay = 4e-3,
  decoupled = false,
}: NAdamSettings): UpdateRule {
  const momentumAt = (step: number) => beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * momentumDecay));
  const productAt = runningProduct(momentumAt);
  return {
    name: 'nAdam',
    settings: { betas: [beta1, beta2], eps, momentumDecay, decoupled },
    state: ['mean', 'square'],
    decay: decoupled ? 'decoupled' : 'penalty',
    scalars: (step, lr) => [
      (lr * (1 - momentumAt(step))) / (1 - productAt(step)),
      (lr * momentumAt(step + 1)) / (1 - productAt(step) * momentumAt(step + 1)),
      1 / (1 - beta2 ** (step + 1)),
    ],
    update(parameter, gradient, [mean, square], scalars) {
      const [gradientRate, meanRate, squareScale] = scalars as [Tensor, Tensor, Tensor];
      const nextMean = add(mul(mean as Tensor, beta1), mul(gradient, 1 - beta1));
      const nextSquare = add(mul(square as Tensor, beta2), mul(mul(gradient, gradient), 1 - beta2));
      const direction = add(mul(gradient, gradientRate), mul(nextMean, meanRate));
      const step = div(direction, add(sqrt(mul(nextSquare, squareScale)), eps));
      return { parameter: sub(parameter, step), state: [nextMean, nextSquare] };
    },
  };
}

/** The product of a function's values up to a step; calls for later steps resume from the last one. */
function runningProduct(factor: (step: number) => number): (step: number) => number {
  let [last, product] = [-1, 1];
  return (step) => {
    if (step < last) [last, product] = [-1, 1];
    while (last < step) product *= factor(++last);
    return product;
  };
}

export type RAdamSettings = DecoupledAdamSettings;
export type RAdamOptions = OptimizerOptions<RAdamSettings>;

const rAdamOptions = optimizerOptions<RAdamSettings>(decoupledKinds);

/**
 * Adam that uses the mean square only once it has seen enough gradients (Liu et al. 2020), as `torch.optim.RAdam`.
 * Rate 1e-3 by default.
 */
export const rAdam = checked(
  'rAdam',
  { options: optional(rAdamOptions) },
  (options: RAdamOptions = {}): Optimizer => createOptimizer<RAdamSettings>(options, rAdamRule, { lr: 1e-3 }),
);

function rAdamRule({
  betas: [beta1, beta2] = [0.9, 0.999],
  eps = 1e-8,
  decoupled = false,
}: RAdamSettings): UpdateRule {
  return {
    name: 'rAdam',
    settings: { betas: [beta1, beta2], eps, decoupled },
    state: ['mean', 'square'],
    decay: decoupled ? 'decoupled' : 'penalty',
    scalars: (step, lr) => [lr / (1 - beta1 ** (step + 1)), rectification(step + 1, beta2)],
    update(parameter, gradient, [mean, square], scalars) {
      const [rate, scale] = scalars as [Tensor, Tensor];
      const nextMean = add(mul(mean as Tensor, beta1), mul(gradient, 1 - beta1));
      const nextSquare = add(mul(square as Tensor, beta2), mul(mul(gradient, gradient), 1 - beta2));
      const factor = where(gt(scale, 0), div(scale, add(sqrt(nextSquare), eps)), 1);
      return { parameter: sub(parameter, mul(mul(nextMean, rate), factor)), state: [nextMean, nextSquare] };
    },
  };
}

/** Scale of the inverse root mean square at a step, counted from 1; 0 while it is not to be used. */
function rectification(step: number, beta2: number): number {
  const correction = 1 - beta2 ** step;
  const longest = 2 / (1 - beta2) - 1;
  const length = longest - (2 * step * beta2 ** step) / correction;
  if (length <= 5) return 0;
  const variance = ((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length);
  return Math.sqrt(variance) * Math.sqrt(correction);
}
