import type { Tensor } from '../graph/tensor.js';
import { add, mul, sign } from '../ops/primitives/elementwise.js';
import type { UpdateRule } from './rule.js';

/**
 * Adds weight decay and an L1 penalty to a rule: the gradients `weightDecay * parameter` and `l1 * sign(parameter)`,
 * or, for a decoupled rule, a parameter that shrinks by `lr * weightDecay` instead of the former.
 */
export function withDecay(
  plain: UpdateRule,
  { weightDecay, l1 }: { weightDecay: number; l1: number },
): UpdateRule {
  const rule = plain.settings ? { ...plain, settings: { ...plain.settings, weightDecay, l1 } } : plain;
  const shrinks = rule.decay === 'decoupled' && weightDecay > 0;
  const l2 = (rule.decay ?? 'penalty') === 'penalty' ? weightDecay : 0;
  if (!shrinks && l2 === 0 && l1 === 0) return rule;
  return {
    ...rule,
    scalars: (step, lr) => {
      const own = rule.scalars(step, lr);
      return shrinks ? [...own, 1 - lr * weightDecay] : own;
    },
    update(parameter, gradient, state, scalars) {
      const own = shrinks ? scalars.slice(0, -1) : scalars;
      const start = shrinks ? mul(parameter, scalars.at(-1) as Tensor) : parameter;
      const withL2 = l2 > 0 ? add(gradient, mul(parameter, l2)) : gradient;
      const slope = l1 > 0 ? add(withL2, mul(sign(parameter), l1)) : withL2;
      return rule.update(start, slope, state, own);
    },
  };
}
