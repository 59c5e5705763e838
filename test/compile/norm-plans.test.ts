import { grad, nn, type Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { Plan } from '#lib/compile/plan/plan.js';
import { input } from '#lib/graph/leaf.js';
import { kernelsOf, planOf } from '../helpers/graphs.js';

/** The plan of a layer's output and of all gradients. */
function training(layer: nn.Module, shape: readonly number[]): Plan {
  const [x, gradient] = [input('x', shape), input('gradient', shape)];
  const output = layer.forward(x);
  const slopes = grad(output.mul(gradient).sum() as Tensor, [x, ...layer.parameters()]);
  return planOf({ inputs: [x, gradient], outputs: [output, ...slopes] });
}

/** The number of steps that run over at least the given number of elements. */
const passes = (plan: Plan, elements: number) =>
  plan.steps.filter((step) => 'shape' in step && step.shape.reduce((a, b) => a * b, 1) >= elements).length;

describe('plans of normalisations and attention', () => {
  const shape = [8, 8, 8, 64];
  const elements = 8 * 8 * 8 * 64;

  it('batch normalisation takes five passes, and keeps one value of the size of its input', () => {
    const plan = training(new nn.BatchNorm2d(64), shape);
    expect(passes(plan, elements)).toBe(5);
    expect(plan.arenaBytes).toBeLessThan(1.1 * 4 * elements);
  });

  it.each([
    ['layer', new nn.LayerNorm(64)],
    ['group', new nn.GroupNorm(4, 64)],
  ])('%s normalisation takes five passes, and keeps two values at most', (_, layer) => {
    const plan = training(layer, shape);
    expect(passes(plan, elements)).toBe(5);
    expect(plan.arenaBytes).toBeLessThan(2.1 * 4 * elements);
  });

  it('self-attention of a few queries copies nothing but the gradients of its three projections', () => {
    const kernels = kernelsOf(training(new nn.MultiheadAttention(32, 4), [4, 16, 32]));
    expect(kernels.filter((kernel) => kernel.startsWith('copy'))).toHaveLength(3);
    expect(kernels.filter((kernel) => kernel.startsWith('fill'))).toHaveLength(0);
    expect(kernels.filter((kernel) => kernel === 'matmul')).toHaveLength(12);
  });
});
