import { nn } from 'chainrule';
import { describe, it } from 'vitest';
import { checkLayer } from './helpers/check-layer.js';
import type { InputSpec } from './helpers/check-op.js';

const dtype = 'float64';
const layers: readonly [name: string, create: () => nn.Module, inputs: readonly InputSpec[]][] = [
  ['Linear', () => new nn.Linear(3, 4, { dtype }), [{ shape: [2, 3] }]],
  ['Linear without bias', () => new nn.Linear(3, 1, { dtype, bias: false }), [{ shape: [2, 1, 3] }]],
  ['Conv2d', () => new nn.Conv2d(2, 3, 2, { dtype, padding: 1 }), [{ shape: [1, 3, 4, 2] }]],
];

describe('gradients and second-order gradients of layers in float64', () => {
  it.each(layers)('%s', async (name, create, inputs) => {
    await checkLayer(name, create, inputs);
  });
});
