import { nn } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { checkLayer } from '../helpers/check-layer.js';
import type { InputSpec } from '../helpers/check-op.js';

const dtype = 'float64';
const layers: readonly [name: string, create: () => nn.Module, inputs: readonly InputSpec[]][] = [
  ['Linear', () => new nn.Linear(3, 4, { dtype }), [{ shape: [2, 3] }]],
  ['Linear without bias', () => new nn.Linear(3, 1, { dtype, bias: false }), [{ shape: [2, 1, 3] }]],
  ['Conv2d', () => new nn.Conv2d(2, 3, 2, { dtype, padding: 1 }), [{ shape: [1, 3, 4, 2] }]],
  ['Flatten', () => new nn.Flatten(), [{ shape: [2, 3, 1] }]],
  ['Dropout in inference', () => new nn.Dropout().eval(), [{ shape: [3] }]],
  [
    'Sequential',
    () => new nn.Sequential(new nn.Linear(2, 3, { dtype }), new nn.Tanh(), new nn.Linear(3, 1, { dtype })),
    [{ shape: [4, 2] }],
  ],
  [
    'TransformerEncoder',
    () => new nn.TransformerEncoder(2, () => new nn.TransformerEncoderLayer(4, 2, transformer)).eval(),
    [{ shape: [1, 3, 4] }],
  ],
  [
    'TransformerDecoder',
    () => new nn.TransformerDecoder(1, () => new nn.TransformerDecoderLayer(4, 2, transformer)).eval(),
    [{ shape: [1, 2, 4] }, { shape: [1, 3, 4] }],
  ],
];
const transformer = { dimFeedforward: 3, activation: nn.gelu, dtype } as const;

/** Kinks lie at 0, 1, 3 and 6; the numbers of a check are at least a few hundredths away from 0. */
const activations: Readonly<Record<string, () => nn.Module>> = {
  ReLU: () => new nn.ReLU(),
  ReLU6: () => new nn.ReLU6(),
  LeakyReLU: () => new nn.LeakyReLU(0.2),
  ELU: () => new nn.ELU(),
  CELU: () => new nn.CELU(1.5),
  SELU: () => new nn.SELU(),
  Hardtanh: () => new nn.Hardtanh(-3, 3),
  Hardsigmoid: () => new nn.Hardsigmoid(),
  Hardswish: () => new nn.Hardswish(),
  Sigmoid: () => new nn.Sigmoid(),
  LogSigmoid: () => new nn.LogSigmoid(),
  Tanh: () => new nn.Tanh(),
  Softplus: () => new nn.Softplus({ beta: 2 }),
  Softsign: () => new nn.Softsign(),
  GELU: () => new nn.GELU(),
  SiLU: () => new nn.SiLU(),
  Mish: () => new nn.Mish(),
  GLU: () => new nn.GLU(),
  Softmax: () => new nn.Softmax(),
  LogSoftmax: () => new nn.LogSoftmax(0),
};

describe('gradients and second-order gradients of layers in float64', () => {
  it.each(layers)('%s', async (name, create, inputs) => {
    await checkLayer(name, create, inputs);
  });

  it.each(Object.entries(activations))('%s', async (name, create) => {
    await checkLayer(name, create, [{ shape: [3, 4] }]);
  });

  it('leaves out no activation', () => {
    const modules = Object.entries(nn).filter(([, value]) => {
      return typeof value === 'function' && value.prototype instanceof nn.Module;
    });
    const parameterless = modules.filter(([name]) => /LU6?$|igmoid|[Tt]anh|[Ss]wish|[Ss]oft|Mish/.test(name));
    const names = parameterless.map(([name]) => name).filter((name) => name !== 'PReLU');
    expect(Object.keys(activations).sort()).toEqual(names.sort());
  });
});
