import type { Tensor } from '../graph/tensor.js';
import { add, mul, sign, sub } from '../ops/primitives/elementwise.js';
import { requireBetas } from './checks.js';
import type { Optimizer } from './optimizer.js';
import { createOptimizer, type GroupOptions, type OptimizerOptions } from './options.js';
import type { UpdateRule } from './rule.js';

export interface LionSettings extends GroupOptions {
  /** Share of the mean in the direction, and decay of the mean. Default [0.9, 0.99]. */
  readonly betas?: readonly [number, number];
}

export type LionOptions = OptimizerOptions<LionSettings>;

/**
 * Lion (Chen et al. 2023): steps of equal size along the sign of an interpolated momentum; weight decay is decoupled.
 * Rate 1e-4 by default.
 */
export function lion(options: LionOptions = {}): Optimizer {
  return createOptimizer<LionSettings>('lion', options, lionRule, { lr: 1e-4 });
}

function lionRule({ betas = [0.9, 0.99] }: LionSettings): UpdateRule {
  const [beta1, beta2] = requireBetas('lion', betas);
  return {
    name: 'lion',
    state: ['mean'],
    decay: 'decoupled',
    scalars: (_, lr) => [lr],
    update(parameter, gradient, [mean], [rate]) {
      const direction = sign(add(mul(mean as Tensor, beta1), mul(gradient, 1 - beta1)));
      const next = add(mul(mean as Tensor, beta2), mul(gradient, 1 - beta2));
      return { parameter: sub(parameter, mul(direction, rate as Tensor)), state: [next] };
    },
  };
}
