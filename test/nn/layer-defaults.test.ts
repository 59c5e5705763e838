import { nn, type Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { readFixture } from '../helpers/fixtures.js';
import { expectAlike, type Moments, momentsOf } from '../helpers/moments.js';

const { torch, layers } = readFixture<{
  readonly torch: string;
  readonly layers: Readonly<Record<string, Readonly<Record<string, Moments>>>>;
}>('defaults');

/** The layers that the fixture holds. */
const ours: Record<string, () => nn.Module> = {
  Linear: () => new nn.Linear(50, 2000),
  PReLU: () => new nn.PReLU(5),
  Embedding: () => new nn.Embedding(300, 60),
  Conv1d: () => new nn.Conv1d(6, 2000, 5),
  Conv2d: () => new nn.Conv2d(6, 2000, [3, 2]),
  'Conv2d of groups': () => new nn.Conv2d(12, 2000, 3, { groups: 2 }),
  Conv3d: () => new nn.Conv3d(3, 2000, 2),
  ConvTranspose1d: () => new nn.ConvTranspose1d(6, 2000, 5),
  ConvTranspose2d: () => new nn.ConvTranspose2d(6, 2000, 3),
  'ConvTranspose2d of groups': () => new nn.ConvTranspose2d(12, 2000, 3, { groups: 2 }),
  ConvTranspose3d: () => new nn.ConvTranspose3d(3, 2000, 2),
  BatchNorm1d: () => new nn.BatchNorm1d(5),
  BatchNorm2d: () => new nn.BatchNorm2d(5),
  BatchNorm3d: () => new nn.BatchNorm3d(5),
  LayerNorm: () => new nn.LayerNorm(5),
  RMSNorm: () => new nn.RMSNorm(5),
  GroupNorm: () => new nn.GroupNorm(2, 6),
  InstanceNorm1d: () => new nn.InstanceNorm1d(5, { affine: true }),
  InstanceNorm2d: () => new nn.InstanceNorm2d(5, { affine: true }),
  RNN: () => new nn.RNN(10, 500),
  LSTM: () => new nn.LSTM(10, 400, { bidirectional: true }),
  GRU: () => new nn.GRU(10, 400, { numLayers: 2 }),
  RNNCell: () => new nn.RNNCell(10, 500),
  LSTMCell: () => new nn.LSTMCell(10, 400),
  GRUCell: () => new nn.GRUCell(10, 400),
  MultiheadAttention: () => new nn.MultiheadAttention(400, 4),
  'MultiheadAttention of other features': () => new nn.MultiheadAttention(200, 4, { kdim: 50, vdim: 70 }),
  TransformerEncoderLayer: () => new nn.TransformerEncoderLayer(200, 4, { dimFeedforward: 900 }),
  TransformerDecoderLayer: () => new nn.TransformerDecoderLayer(200, 4, { dimFeedforward: 900 }),
};

/** Layers that PyTorch draws otherwise, or not at all, and those that only hold others. */
const ownOrContainers = [
  'LearnedEncoding',
  'Checkpoint',
  'Residual',
  'Sequential',
  'TransformerDecoder',
  'TransformerEncoder',
];

/** Arguments with which layers that have no parameters can be made. */
const trials: readonly (readonly unknown[])[] = [[], [2], [2, 2], [{ size: 2 }], [(x: Tensor) => x]];

/** The paths of a layer's parameters, or null where it wants other arguments. */
function pathsOf(layer: new (...args: readonly unknown[]) => nn.Module): string[] | null {
  for (const args of trials) {
    try {
      return new layer(...args).namedParameters().map(([path]) => path);
    } catch {}
  }
  return null;
}

describe(`first values of layers are distributed as in PyTorch ${torch}`, () => {
  it('compares every recorded layer', () => {
    expect(Object.keys(ours).sort()).toEqual(Object.keys(layers).sort());
  });

  it.each(Object.entries(layers))('%s', (name, recorded) => {
    const named = (ours[name] as () => nn.Module)().init(11).namedParameters();
    expect(named.map(([path]) => path).sort()).toEqual(Object.keys(recorded).sort());
    for (const [path, { storage }] of named) {
      expectAlike(path, momentsOf(storage.data), recorded[path] as Moments);
    }
  });

  it('leaves out no layer that has parameters', () => {
    const known = new Set([...Object.keys(ours).map((name) => name.split(' ')[0]), ...ownOrContainers]);
    for (const [name, value] of Object.entries(nn)) {
      const isLayer = typeof value === 'function' && value.prototype instanceof nn.Module;
      if (!isLayer || known.has(name)) continue;
      const paths = pathsOf(value as unknown as new (...args: readonly unknown[]) => nn.Module);
      expect(paths, `${name} must be in the table of layers, or be made without parameters`).toEqual([]);
    }
  });
});
