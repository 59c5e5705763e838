import { checked } from '../graph/arguments/checked.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed } from '../graph/arguments/options.js';
import { invalid } from '../graph/errors.js';
import type { Tensor } from '../graph/tensor.js';
import { add, mul, sub } from '../ops/primitives/elementwise.js';
import type { Optimizer } from './optimizer.js';
import {
  createOptimizer,
  type GroupOptions,
  groupKinds,
  type OptimizerOptions,
  optimizerOptions,
} from './options.js';
import type { UpdateRule } from './rule.js';
import { rate, type Schedule } from './schedule.js';

export interface SgdSettings extends GroupOptions {
  /** Share of the last step that is kept. Default 0. */
  readonly momentum?: number;
  /** Share of each gradient after the first that is left out of the momentum. Default 0. */
  readonly dampening?: number;
  /** True to look ahead along the momentum (Nesterov 1983). Default false. */
  readonly nesterov?: boolean;
}

export type SgdOptions = OptimizerOptions<SgdSettings> & { readonly lr: number | Schedule };

const sgdOptions = optimizerOptions<SgdSettings, SgdOptions>(
  { ...groupKinds, momentum: kinds.share, dampening: kinds.share, nesterov: kinds.boolean },
  { lr: needed(rate) },
);

/** Stochastic gradient descent, optionally with momentum (Polyak 1964), as `torch.optim.SGD`. */
export const sgd = checked(
  'sgd',
  { options: sgdOptions },
  (options: SgdOptions): Optimizer => createOptimizer<SgdSettings>(options, rule),
);

function rule({ momentum = 0, dampening = 0, nesterov = false }: SgdSettings): UpdateRule {
  if (nesterov && (momentum === 0 || dampening > 0)) {
    throw invalid('sgd', 'nesterov needs a momentum and no dampening', momentum === 0 ? momentum : dampening);
  }
  const damped = momentum > 0 && dampening > 0;
  return {
    name: 'sgd',
    settings: { momentum, dampening, nesterov },
    state: momentum > 0 ? ['momentum'] : [],
    scalars: (step, lr) => (damped ? [lr, step === 0 ? 1 : 1 - dampening] : [lr]),
    update(parameter, gradient, [velocity], [rate, share]) {
      if (!velocity) return { parameter: sub(parameter, mul(gradient, rate as Tensor)), state: [] };
      const next = add(mul(velocity, momentum), share ? mul(gradient, share) : gradient);
      const direction = nesterov ? add(gradient, mul(next, momentum)) : next;
      return { parameter: sub(parameter, mul(direction, rate as Tensor)), state: [next] };
    },
  };
}
