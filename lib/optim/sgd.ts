import { invalid } from '../graph/errors.js';
import { add, mul, sub } from '../graph/ops/elementwise.js';
import type { Tensor } from '../graph/tensor.js';
import { Optimizer, type UpdateRule } from './optimizer.js';
import { type Schedule, toSchedule } from './schedules.js';

export interface SgdOptions {
  readonly lr: number | Schedule;
  /** Share of the last step that is kept. Default 0. */
  readonly momentum?: number;
  /** Look ahead along the momentum (Nesterov 1983). Default false. */
  readonly nesterov?: boolean;
  /** L2 penalty: this times the parameter is added to its gradient. Default 0. */
  readonly weightDecay?: number;
}

/** Stochastic gradient descent, with momentum (Polyak 1964) as `torch.optim.SGD`. */
export function sgd(options: SgdOptions): Optimizer {
  const { lr, momentum = 0, nesterov = false, weightDecay = 0 } = options ?? {};
  if (!(momentum >= 0 && momentum < 1))
    throw invalid('sgd', 'momentum must be at least 0 and less than 1', momentum);
  if (nesterov && momentum === 0) throw invalid('sgd', 'nesterov needs a momentum', momentum);
  if (!(weightDecay >= 0)) throw invalid('sgd', 'weightDecay must not be negative', weightDecay);
  const rule: UpdateRule = {
    name: 'sgd',
    state: momentum > 0 ? ['momentum'] : [],
    scalars: (_, rate) => [rate],
    update(parameter, gradient, [velocity], [rate]) {
      const decayed = weightDecay > 0 ? add(gradient, mul(parameter, weightDecay)) : gradient;
      if (!velocity) return { parameter: sub(parameter, mul(decayed, rate as Tensor)), state: [] };
      const next = add(mul(velocity, momentum), decayed);
      const direction = nesterov ? add(decayed, mul(next, momentum)) : next;
      return { parameter: sub(parameter, mul(direction, rate as Tensor)), state: [next] };
    },
  };
  return new Optimizer(rule, toSchedule('sgd', lr));
}
