import { invalid } from '../graph/errors.js';
import { add, div, mul, sqrt, sub } from '../graph/ops/elementwise.js';
import type { Tensor } from '../graph/tensor.js';
import { Optimizer, type UpdateRule } from './optimizer.js';
import { type Schedule, toSchedule } from './schedules.js';

export interface AdamOptions {
  /** Default 1e-3. */
  readonly lr?: number | Schedule;
  /** Decay of the running means of the gradient and of its square. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the denominator. Default 1e-8. */
  readonly eps?: number;
  /** Default 0 for Adam, where it is an L2 penalty, and 0.01 for AdamW, where it shrinks the parameter itself. */
  readonly weightDecay?: number;
}

/** Adam (Kingma & Ba 2015), as `torch.optim.Adam`. */
export function adam(options: AdamOptions = {}): Optimizer {
  return create('adam', { weightDecay: 0, ...options }, false);
}

/** Adam with decoupled weight decay (Loshchilov & Hutter 2019), as `torch.optim.AdamW`. */
export function adamW(options: AdamOptions = {}): Optimizer {
  return create('adamW', { weightDecay: 0.01, ...options }, true);
}

function create(name: string, options: AdamOptions & { weightDecay: number }, decoupled: boolean): Optimizer {
  const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay } = options;
  const [beta1, beta2] = betas;
  for (const beta of [beta1, beta2]) {
    if (!(beta >= 0 && beta < 1)) throw invalid(name, 'betas must be at least 0 and less than 1', betas);
  }
  if (!(eps >= 0)) throw invalid(name, 'eps must not be negative', eps);
  if (!(weightDecay >= 0)) throw invalid(name, 'weightDecay must not be negative', weightDecay);
  const rule: UpdateRule = {
    name,
    state: ['mean', 'square'],
    scalars: (step, rate) => [
      rate,
      1 / (1 - beta1 ** (step + 1)),
      1 / (1 - beta2 ** (step + 1)),
      1 - rate * weightDecay,
    ],
    update(parameter, gradient, [mean, square], scalars) {
      const [rate, meanScale, squareScale, shrink] = scalars as [Tensor, Tensor, Tensor, Tensor];
      const penalty = weightDecay > 0 && !decoupled;
      const slope = penalty ? add(gradient, mul(parameter, weightDecay)) : gradient;
      const nextMean = add(mul(mean as Tensor, beta1), mul(slope, 1 - beta1));
      const nextSquare = add(mul(square as Tensor, beta2), mul(mul(slope, slope), 1 - beta2));
      const deviation = sqrt(mul(nextSquare, squareScale));
      const step = div(mul(rate, mul(nextMean, meanScale)), add(deviation, eps));
      const start = weightDecay > 0 && decoupled ? mul(parameter, shrink) : parameter;
      return { parameter: sub(start, step), state: [nextMean, nextSquare] };
    },
  };
  return new Optimizer(rule, toSchedule(name, lr));
}
