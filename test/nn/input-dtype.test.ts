import { nn, type Tensor, zeros } from 'chainrule';
import { describe, expect, it } from 'vitest';

type Layer = readonly [name: string, make: () => { forward(x: Tensor): unknown }, shape: readonly number[]];

const layers: readonly Layer[] = [
  ['Linear', () => new nn.Linear(2, 2), [3, 2]],
  ['Conv1d', () => new nn.Conv1d(2, 2, 3), [1, 8, 2]],
  ['Conv2d', () => new nn.Conv2d(2, 2, 3), [1, 8, 8, 2]],
  ['Conv3d', () => new nn.Conv3d(2, 2, 3), [1, 8, 8, 8, 2]],
  ['ConvTranspose2d', () => new nn.ConvTranspose2d(2, 2, 3), [1, 8, 8, 2]],
  ['LSTM', () => new nn.LSTM(2, 2), [1, 8, 2]],
  ['GRUCell', () => new nn.GRUCell(2, 2), [3, 2]],
  ['MultiheadAttention', () => new nn.MultiheadAttention(2, 1), [1, 8, 2]],
  ['PReLU', () => new nn.PReLU(), [3, 2]],
  ['LayerNorm', () => new nn.LayerNorm(2), [3, 2]],
  ['RMSNorm', () => new nn.RMSNorm(2), [3, 2]],
  ['GroupNorm', () => new nn.GroupNorm(1, 2), [3, 2]],
  ['InstanceNorm1d', () => new nn.InstanceNorm1d(2, { affine: true }), [3, 4, 2]],
  ['BatchNorm1d', () => new nn.BatchNorm1d(2), [3, 2]],
];

describe('an input of another dtype than the weights', () => {
  it.each(layers)('is refused by %s', (name, make, shape) => {
    for (const dtype of ['int32', 'float64'] as const) {
      expect(() => make().forward(zeros([...shape], dtype))).toThrow(
        `${name}: the input must be float32 as the weights are; cast('float32') converts it, got ${dtype}`,
      );
    }
    expect(() => make().forward(zeros([...shape]))).not.toThrow();
  });
});
