import { grad, nn } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { type Context, context, within } from '#lib/graph/context.js';
import { input } from '#lib/graph/leaf.js';
import { planOf } from '../helpers/graphs.js';

/** The gradients of a small net whose ops have places, and the same without. */
function traced(places: boolean) {
  const at = (layer: string): Context => ({
    ...context(),
    origin: places ? { layer, phase: 'forward' } : undefined,
  });
  const [x, w, labels] = [input('x', [8, 6]), input('w', [3, 6]), input('labels', [8], 'int32')];
  // Simplifying recreates everything after the neutral factor.
  const logits = within(at('fc'), () => x.mul(1).matmul(w.transpose()).tanh());
  const loss = within(at('loss'), () => nn.crossEntropy(logits, labels));
  return planOf({ inputs: [x, w, labels], outputs: [loss, ...grad(loss, [w, x])] });
}

describe('the places of nodes', () => {
  it('go with them into the steps, through simplification and gradients', () => {
    const places = traced(true).steps.map(
      ({ label, origin }) => `${label}: ${origin?.layer} ${origin?.phase}`,
    );
    expect(places).toContain('matmul: fc forward');
    expect(places.filter((text) => text === 'matmul: fc backward')).toHaveLength(2);
    expect(places).toContain('checkRange: loss forward');
    expect(places.filter((text) => text.endsWith('loss backward')).length).toBeGreaterThan(0);
    expect(places.filter((text) => text.includes('undefined'))).toEqual([]);
  });

  it('are all that tells a plan with them from one without', () => {
    const { steps, ...rest } = traced(true);
    const bare = steps.map(({ origin, ...step }) => step);
    expect({ ...rest, steps: bare }).toEqual(traced(false));
    expect(traced(false).steps.some((step) => 'origin' in step)).toBe(false);
  });
});

describe('the operations of a plan', () => {
  it('are those of its steps', () => {
    const { steps, flops } = traced(false);
    expect(steps.reduce((sum, step) => sum + step.flops, 0)).toBe(flops);
    const products = steps.filter(({ label }) => label === 'matmul').map((step) => step.flops);
    expect(products).toEqual([288, 288, 288]);
  });
});
