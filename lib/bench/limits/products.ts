import type { CallStep, Operand, Plan, Step } from '../../compile/plan/plan.js';
import { at } from '../../graph/at.js';
import { sum } from '../statistics.js';
import { pairsInside } from './window-pairs.js';

/**
 * The multiplications of Winograd's method over those of the definition: F(4x4, 3x3) makes 4 x 4 results of 36 products,
 * where the definition takes 9 for each (Lavin & Gray 2016).
 */
export const WINOGRAD_SHARE = 36 / (16 * 9);

/**
 * The floating-point operations of a plan's kernels of their own: products, convolutions, and what else is no program of
 * the vector machine. Of a convolution they are those that its method cannot do without: direct sums leave out products
 * with padding; Winograd's method takes a quarter, and its transforms do not count.
 */
export function productFlops(plan: Plan): number {
  return sum(plan.steps.map(flopsOf));
}

function flopsOf(step: Step): number {
  if (step.kernel === 'scan') return step.length * productFlops(step.body);
  if (step.kernel !== 'call') return 0;
  if (step.method === 'winograd') return step.flops * WINOGRAD_SHARE;
  return step.flops * (step.attributes.groups === undefined ? 1 : shareInside(step));
}

/** The share of a convolution's products that are with an element of the image, and not with its padding. */
function shareInside({ inputs, output, attributes }: CallStep): number {
  const [image, taps, result] = [inputs.input, inputs.weight, inputs.gradient].map(
    (operand: Operand | undefined) => (operand ?? output).shape,
  ) as [readonly number[], readonly number[], readonly number[]];
  const shares = [0, 1].map((axis) => {
    const [stride, padding, dilation] = ['stride', 'padding', 'dilation'].map((name) =>
      at(attributes[name] as readonly number[], axis),
    ) as [number, number, number];
    const [places, kernel] = [at(result, axis + 1), at(taps, axis)];
    const all = places * kernel;
    const length = at(image, axis + 1);
    return all === 0 ? 0 : pairsInside({ length, places, kernel, stride, padding, dilation }) / all;
  });
  return at(shares, 0) * at(shares, 1);
}
