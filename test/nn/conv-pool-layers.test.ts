import { nn } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { checkLayer } from '../helpers/check-layer.js';
import type { InputSpec } from '../helpers/check-op.js';

const dtype = 'float64';
const layers: readonly [name: string, create: () => nn.Module, inputs: readonly InputSpec[]][] = [
  ['Conv1d', () => new nn.Conv1d(2, 3, 2, { dtype, padding: 'same' }), [{ shape: [1, 4, 2] }]],
  [
    'Conv2d depthwise',
    () => new nn.Conv2d(3, 6, 2, { dtype, groups: 3, padding: 1 }),
    [{ shape: [1, 2, 3, 3] }],
  ],
  [
    'Conv2d without bias',
    () => new nn.Conv2d(2, 2, [1, 3], { dtype, bias: false, padding: [0, 1], paddingMode: 'circular' }),
    [{ shape: [2, 2, 2, 2] }],
  ],
  [
    'Conv3d',
    () => new nn.Conv3d(2, 2, [2, 1, 2], { dtype, stride: [1, 2, 1], groups: 2 }),
    [{ shape: [1, 3, 3, 2, 2] }],
  ],
  [
    'ConvTranspose1d',
    () => new nn.ConvTranspose1d(2, 3, 2, { dtype, stride: 2, outputPadding: 1 }),
    [{ shape: [1, 3, 2] }],
  ],
  [
    'ConvTranspose2d',
    () => new nn.ConvTranspose2d(2, 4, [2, 3], { dtype, padding: [0, 1], groups: 2 }),
    [{ shape: [1, 2, 3, 2] }],
  ],
  [
    'ConvTranspose3d',
    () => new nn.ConvTranspose3d(1, 2, 2, { dtype, stride: [2, 1, 1], bias: false }),
    [{ shape: [1, 2, 2, 1, 1] }],
  ],
  ['MaxPool1d', () => new nn.MaxPool1d(2, { stride: 1 }), [{ shape: [2, 4, 2] }]],
  ['MaxPool2d', () => new nn.MaxPool2d(2, { ceilMode: true }), [{ shape: [1, 3, 4, 2] }]],
  ['MaxPool3d', () => new nn.MaxPool3d([2, 1, 2]), [{ shape: [1, 2, 2, 4, 1] }]],
  ['AvgPool1d', () => new nn.AvgPool1d(2), [{ shape: [1, 5, 2] }]],
  ['AvgPool2d', () => new nn.AvgPool2d(2, { padding: 1, countIncludePad: false }), [{ shape: [1, 2, 3, 2] }]],
  ['AvgPool3d', () => new nn.AvgPool3d(2, { stride: 1 }), [{ shape: [1, 2, 3, 2, 1] }]],
  ['LPPool1d', () => new nn.LPPool1d(3, 2), [{ shape: [1, 4, 2], low: 0.5, high: 2 }]],
  ['LPPool2d', () => new nn.LPPool2d(2, [2, 1]), [{ shape: [1, 2, 2, 2], low: 0.5, high: 2 }]],
  ['AdaptiveAvgPool1d', () => new nn.AdaptiveAvgPool1d(2), [{ shape: [1, 3, 2] }]],
  ['AdaptiveAvgPool2d', () => new nn.AdaptiveAvgPool2d([2, 3]), [{ shape: [1, 3, 4, 2] }]],
  ['AdaptiveMaxPool1d', () => new nn.AdaptiveMaxPool1d(3), [{ shape: [2, 4, 1] }]],
  ['AdaptiveMaxPool2d', () => new nn.AdaptiveMaxPool2d([1, 2]), [{ shape: [1, 2, 3, 2] }]],
  ['GlobalAvgPool', () => new nn.GlobalAvgPool(), [{ shape: [2, 2, 3, 2] }]],
  ['GlobalMaxPool', () => new nn.GlobalMaxPool(), [{ shape: [2, 4, 2] }]],
  ['Upsample', () => new nn.Upsample({ scale: 2, mode: 'bilinear' }), [{ shape: [1, 2, 3, 1] }]],
  ['PixelShuffle', () => new nn.PixelShuffle(2), [{ shape: [1, 2, 1, 4] }]],
  ['PixelUnshuffle', () => new nn.PixelUnshuffle(2), [{ shape: [1, 2, 4, 1] }]],
];

describe('gradients and second-order gradients of layers in float64', () => {
  it.each(layers)('%s', async (name, create, inputs) => {
    await checkLayer(name, create, inputs);
  });
});

describe('the first values of convolutions', () => {
  const bound = (layer: { readonly weight: nn.Parameter }) => {
    const { data } = layer.weight.storage;
    return Math.max(...Array.from(data, Math.abs));
  };

  it('have the bounds of PyTorch: one over the root of the inputs that a result sums', () => {
    expect(bound(new nn.Conv1d(16, 64, 5, { groups: 4 }).init(1))).toBeCloseTo(1 / Math.sqrt(4 * 5), 2);
    expect(bound(new nn.Conv2d(64, 64, 5, { groups: 64 }).init(1))).toBeCloseTo(1 / Math.sqrt(25), 2);
    expect(bound(new nn.Conv3d(8, 16, [2, 3, 4]).init(1))).toBeCloseTo(1 / Math.sqrt(8 * 24), 2);
  });

  it('of transposed ones, as PyTorch, have those of the second axis of its weight', () => {
    const layer = new nn.ConvTranspose2d(64, 12, 3, { groups: 2 }).init(1);
    expect(layer.weight.shape).toEqual([3, 3, 6, 64]);
    expect(bound(layer)).toBeCloseTo(1 / Math.sqrt(6 * 9), 2);
  });

  it('may come from an initialiser, which is told the fans', () => {
    const fans: number[][] = [];
    const init: nn.init.Initialiser = (shape, context) => {
      fans.push([context.fanIn, context.fanOut]);
      return nn.init.zeros(shape, context);
    };
    new nn.Conv2d(6, 8, [2, 3], { init, groups: 2, bias: false }).init(1);
    new nn.ConvTranspose1d(6, 8, 5, { init, groups: 2, bias: false }).init(1);
    expect(fans).toEqual([
      [18, 48],
      [20, 30],
    ]);
  });
});
