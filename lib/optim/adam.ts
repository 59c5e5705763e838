import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import type { Tensor } from '../graph/tensor.js';
import { add, div, maximum, mul, sqrt, sub } from '../ops/primitives/elementwise.js';
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

export interface AdamSettings extends GroupOptions {
  /** Decay of the running means of the gradient and of its square. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the denominator. Default 1e-8. */
  readonly eps?: number;
  /** True to divide by the largest mean square so far (Reddi et al. 2018). Default false; true for `amsGrad`. */
  readonly amsgrad?: boolean;
}

export type AdamOptions = OptimizerOptions<AdamSettings>;

const adamOptions = optimizerOptions<AdamSettings>({
  ...groupKinds,
  betas,
  eps: kinds.nonNegative,
  amsgrad: kinds.boolean,
});

/** Adam (Kingma & Ba 2015), as `torch.optim.Adam`. Rate 1e-3 by default; weight decay is an L2 penalty. */
export const adam = checked(
  'adam',
  { options: optional(adamOptions) },
  (options: AdamOptions = {}): Optimizer =>
    createOptimizer<AdamSettings>(options, (settings) => adamRule('adam', settings), { lr: 1e-3 }),
);

/** AMSGrad (Reddi et al. 2018), as `torch.optim.Adam` with `amsgrad`. Rate 1e-3 by default. */
export const amsGrad = checked(
  'amsGrad',
  { options: optional(adamOptions) },
  (options: AdamOptions = {}): Optimizer => {
    const create = ({ amsgrad = true, ...settings }: AdamSettings) =>
      adamRule('amsGrad', { ...settings, amsgrad });
    return createOptimizer<AdamSettings>(options, create, { lr: 1e-3 });
  },
);

/**
 * Adam with decoupled weight decay (Loshchilov & Hutter 2019), as `torch.optim.AdamW`. Rate 1e-3 and weight decay 0.01
 * by default.
 */
export const adamW = checked(
  'adamW',
  { options: optional(adamOptions) },
  (options: AdamOptions = {}): Optimizer => {
    const create = (settings: AdamSettings): UpdateRule => ({
      ...adamRule('adamW', settings),
      decay: 'decoupled',
    });
    return createOptimizer<AdamSettings>(options, create, { lr: 1e-3, weightDecay: 0.01 });
  },
);

function adamRule(
  name: string,
  { betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8, amsgrad = false }: AdamSettings,
): UpdateRule {
  return {
    name,
    settings: { betas: [beta1, beta2], eps, amsgrad },
    state: amsgrad ? ['mean', 'square', 'largestSquare'] : ['mean', 'square'],
    scalars: (step, lr) => [lr, 1 / (1 - beta1 ** (step + 1)), 1 / (1 - beta2 ** (step + 1))],
    update(parameter, gradient, [mean, square, largest], scalars) {
      const [rate, meanScale, squareScale] = scalars as [Tensor, Tensor, Tensor];
      const nextMean = add(mul(mean as Tensor, beta1), mul(gradient, 1 - beta1));
      const nextSquare = add(mul(square as Tensor, beta2), mul(mul(gradient, gradient), 1 - beta2));
      const peak = largest && maximum(largest, nextSquare);
      const deviation = sqrt(mul(peak ?? nextSquare, squareScale));
      const step = div(mul(rate, mul(nextMean, meanScale)), add(deviation, eps));
      return { parameter: sub(parameter, step), state: [nextMean, nextSquare, ...(peak ? [peak] : [])] };
    },
  };
}
