import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import type { Tensor } from '../graph/tensor.js';
import { add, mul, sign, sub } from '../ops/primitives/elementwise.js';
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

export interface LionSettings extends GroupOptions {
  /** Share of the mean in the direction, and decay of the mean. Default [0.9, 0.99]. */
  readonly betas?: readonly [number, number];
}

export type LionOptions = OptimizerOptions<LionSettings>;

const lionOptions = optimizerOptions<LionSettings>({ ...groupKinds, betas });

/**
 * Lion (Chen et al. 2023): steps of equal size along the sign of an interpolated momentum; weight decay is decoupled.
 * Rate 1e-4 by default.
 */
export const lion = checked(
  'lion',
  { options: optional(lionOptions) },
  (options: LionOptions = {}): Optimizer => createOptimizer<LionSettings>(options, lionRule, { lr: 1e-4 }),
);

function lionRule({ betas: [beta1, beta2] = [0.9, 0.99] }: LionSettings): UpdateRule {
  return {
    name: 'lion',
    settings: { betas: [beta1, beta2] },
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
