import * as cr from 'chainrule';
import { nn, ones, type Tensor, tensor } from 'chainrule';
import { describe, it } from 'vitest';
import { type BadCall, expectBadCall } from '../helpers/errors.js';

const matrix = ones([2, 3]);
const sequence = ones([2, 5, 4]);
const image = ones([2, 3, 3, 4]);
const whole = tensor(Int32Array.of(1, 2), { shape: [1, 2] });
const memory = ones([2, 6, 4]);
const multihead = new nn.MultiheadAttention(4, 2);
const boolMask = (shape: readonly number[]) =>
  tensor(new Uint8Array(shape.reduce((a, b) => a * b)), { shape, dtype: 'bool' });
const attend = (q: Tensor, k: Tensor, v: Tensor, options: cr.AttentionOptions = {}) =>
  cr.scaledDotProductAttention(q, k, v, options);

const functions: BadCall[] = [
  [
    'layerNorm over other dimensions',
    () => cr.layerNorm(matrix, 4),
    'layerNorm: input must end in [4], got [2,3]',
  ],
  [
    'layerNorm over nothing',
    () => cr.layerNorm(matrix, []),
    'layerNorm: normalizedShape must have at least one axis, got []',
  ],
  [
    'layerNorm with another weight',
    () => cr.layerNorm(matrix, 3, { weight: ones([2]) }),
    'layerNorm: weight must be [3], got [2]',
  ],
  [
    'layerNorm with a negative eps',
    () => cr.layerNorm(matrix, 3, { eps: -1 }),
    'layerNorm: eps must be a non-negative number, got -1',
  ],
  [
    'layerNorm of integers',
    () => cr.layerNorm(whole, 2),
    'layerNorm: needs float32 or float64; cast it first, got int32',
  ],
  [
    'rmsNorm over too many dimensions',
    () => cr.rmsNorm(matrix, [1, 2, 3]),
    'rmsNorm: input must end in [1,2,3], got [2,3]',
  ],
  [
    'rmsNorm with a NaN eps',
    () => cr.rmsNorm(matrix, 3, { eps: Number.NaN }),
    'rmsNorm: eps must be a non-negative number, got NaN',
  ],
  [
    'groupNorm of groups that do not fit',
    () => cr.groupNorm(image, 3),
    'groupNorm: groups must divide the 4 channels, got 3',
  ],
  [
    'groupNorm of no groups',
    () => cr.groupNorm(image, 0),
    'groupNorm: groups must be a positive integer, got 0',
  ],
  [
    'groupNorm of a vector',
    () => cr.groupNorm(ones([4]), 2),
    'groupNorm: input must be [N, ..., C], got [4]',
  ],
  [
    'instanceNorm of one position',
    () => cr.instanceNorm(ones([2, 1, 4])),
    'instanceNorm: needs at least 2 position(s), [N, ..., C], got [2,1,4]',
  ],
  [
    'instanceNorm with another bias',
    () => cr.instanceNorm(image, { bias: ones([3]) }),
    'instanceNorm: bias must be [4], got [3]',
  ],
  [
    'batchNorm with another mean',
    () => cr.batchNorm(matrix, { mean: ones([2]), variance: ones([3]) }),
    'batchNorm: mean must be [3], got [2]',
  ],
  [
    'localResponseNorm over no channels',
    () => cr.localResponseNorm(image, 0),
    'localResponseNorm: size must be a positive integer, got 0',
  ],
  [
    'channelDropout of a vector',
    () => cr.channelDropout(ones([3])),
    'channelDropout: input must be [N, ..., C], got [3]',
  ],
  [
    'channelDropout of everything',
    () => cr.channelDropout(matrix, 1),
    'channelDropout: p must be at least 0 and less than 1, got 1',
  ],
  ['dropPath of a number', () => cr.dropPath(ones([]), 0.1), 'dropPath: input must be [N, ...], got []'],
  [
    'alphaDropout of integers',
    () => cr.alphaDropout(whole),
    'alphaDropout: needs float32 or float64; cast it first, got int32',
  ],
  [
    'alphaDropout of everything',
    () => cr.alphaDropout(matrix, 1),
    'alphaDropout: p must be at least 0 and less than 1, got 1',
  ],
  [
    'attention of other features',
    () => attend(sequence, ones([2, 5, 3]), sequence),
    'scaledDotProductAttention: query and key must have the same features, got [2,5,4] and [2,5,3]',
  ],
  [
    'attention of fewer values',
    () => attend(sequence, memory, sequence),
    'scaledDotProductAttention: key and value must have the same length, got [2,6,4] and [2,5,4]',
  ],
  [
    'attention of vectors',
    () => attend(ones([4]), sequence, sequence),
    'scaledDotProductAttention: query must be [..., length, features], got [4]',
  ],
  [
    'attention with another mask',
    () => attend(sequence, memory, memory, { mask: boolMask([6, 5]) }),
    'scaledDotProductAttention: mask must broadcast to [2,5,6], got [6,5]',
  ],
  [
    'attention with a larger mask',
    () => attend(sequence, memory, memory, { mask: boolMask([3, 1, 5, 6]) }),
    'scaledDotProductAttention: mask must broadcast to [2,5,6], got [3,1,5,6]',
  ],
  [
    'attention with a mask of integers',
    () => attend(sequence, sequence, sequence, { mask: tensor(new Int32Array(25), { shape: [5, 5] }) }),
    'scaledDotProductAttention: mask must be bool or float32, got int32',
  ],
  [
    'attention with a scale of NaN',
    () => attend(sequence, sequence, sequence, { scale: Number.NaN }),
    'scaledDotProductAttention: scale must be a finite number, got NaN',
  ],
  [
    'attention that drops everything',
    () => attend(sequence, sequence, sequence, { dropout: 1 }),
    'scaledDotProductAttention: dropout must be at least 0 and less than 1, got 1',
  ],
  [
    'sinusoidalEncoding of half a position',
    () => cr.sinusoidalEncoding(0.5, 4),
    'sinusoidalEncoding: length must be a non-negative integer, got 0.5',
  ],
  [
    'sinusoidalEncoding in integers',
    () => cr.sinusoidalEncoding(2, 4, 'int32'),
    'sinusoidalEncoding: dtype must be float32 or float64, got int32',
  ],
  [
    'rotaryEmbedding of an odd width',
    () => cr.rotaryEmbedding(matrix),
    'rotaryEmbedding: input must be [..., T, D] with an even D, got [2,3]',
  ],
  [
    'rotaryEmbedding with a base of 0',
    () => cr.rotaryEmbedding(sequence, { base: 0 }),
    'rotaryEmbedding: base must be a positive number, got 0',
  ],
];

const layers: BadCall[] = [
  [
    'BatchNorm1d of no features',
    () => new nn.BatchNorm1d(0),
    'BatchNorm1d: numFeatures must be a positive integer, got 0',
  ],
  [
    'BatchNorm1d with a momentum of 2',
    () => new nn.BatchNorm1d(3, { momentum: 2 }),
    'BatchNorm1d: momentum must be from 0 to 1 or null, got 2',
  ],
  [
    'BatchNorm1d on images',
    () => new nn.BatchNorm1d(4).forward(image),
    'BatchNorm1d: input must be [N,4] or [N,L,4], got [2,3,3,4]',
  ],
  [
    'BatchNorm1d of one value per channel',
    () => new nn.BatchNorm1d(4).forward(ones([1, 1, 4])),
    'BatchNorm1d: needs more than one value per channel for its statistics, got [1,1,4]',
  ],
  [
    'BatchNorm2d on other channels',
    () => new nn.BatchNorm2d(3).forward(image),
    'BatchNorm2d: input must be [N,H,W,3]; channels come last: x.permute([0, 2, 3, 1]), got [2,3,3,4]',
  ],
  [
    'BatchNorm2d with an infinite eps',
    () => new nn.BatchNorm2d(3, { eps: Number.POSITIVE_INFINITY }),
    'BatchNorm2d: eps must be a non-negative number, got Infinity',
  ],
  [
    'BatchNorm3d on images',
    () => new nn.BatchNorm3d(4).forward(image),
    'BatchNorm3d: input must be [N,D,H,W,4]; one sample alone needs an axis in front: x.unsqueeze(0), got [2,3,3,4]',
  ],
  [
    'LayerNorm of an empty shape',
    () => new nn.LayerNorm([]),
    'LayerNorm: normalizedShape must have at least one axis, got []',
  ],
  [
    'LayerNorm on other features',
    () => new nn.LayerNorm(4).forward(matrix),
    'layerNorm: input must end in [4], got [2,3]',
  ],
  [
    'RMSNorm with a negative eps',
    () => new nn.RMSNorm(4, { eps: -1 }),
    'RMSNorm: eps must be a non-negative number, got -1',
  ],
  [
    'RMSNorm on other features',
    () => new nn.RMSNorm(4).forward(matrix),
    'rmsNorm: input must end in [4], got [2,3]',
  ],
  [
    'GroupNorm of groups that do not fit',
    () => new nn.GroupNorm(3, 4),
    'GroupNorm: numGroups must divide the 4 channels, got 3',
  ],
  [
    'GroupNorm on other channels',
    () => new nn.GroupNorm(3, 6).forward(image),
    'GroupNorm: input must be [N,...,6], got [2,3,3,4]',
  ],
  [
    'InstanceNorm1d on images',
    () => new nn.InstanceNorm1d(4).forward(image),
    'InstanceNorm1d: input must be [N,L,4], got [2,3,3,4]',
  ],
  [
    'InstanceNorm1d of half a feature',
    () => new nn.InstanceNorm1d(0.5),
    'InstanceNorm1d: numFeatures must be a positive integer, got 0.5',
  ],
  [
    'InstanceNorm2d on sequences',
    () => new nn.InstanceNorm2d(4).forward(sequence),
    'InstanceNorm2d: input must be [N,H,W,4]; one sample alone needs an axis in front: x.unsqueeze(0), got [2,5,4]',
  ],
  [
    'InstanceNorm2d with a negative eps',
    () => new nn.InstanceNorm2d(4, { eps: -1 }),
    'InstanceNorm2d: eps must be a non-negative number, got -1',
  ],
  [
    'LocalResponseNorm over no channels',
    () => new nn.LocalResponseNorm(0),
    'LocalResponseNorm: size must be a positive integer, got 0',
  ],
  [
    'LocalResponseNorm of a vector',
    () => new nn.LocalResponseNorm(2).forward(ones([3])),
    'localResponseNorm: input must be [N, ..., C], got [3]',
  ],
  [
    'Dropout1d of everything',
    () => new nn.Dropout1d(1),
    'Dropout1d: p must be at least 0 and less than 1, got 1',
  ],
  [
    'Dropout1d on images',
    () => new nn.Dropout1d().forward(image),
    'Dropout1d: input must be [N,L,C], got [2,3,3,4]',
  ],
  [
    'Dropout2d on sequences',
    () => new nn.Dropout2d().forward(sequence),
    'Dropout2d: input must be [N,H,W,C], got [2,5,4]',
  ],
  [
    'Dropout2d with less than none',
    () => new nn.Dropout2d(-0.1),
    'Dropout2d: p must be at least 0 and less than 1, got -0.1',
  ],
  [
    'AlphaDropout of NaN',
    () => new nn.AlphaDropout(Number.NaN),
    'AlphaDropout: p must be at least 0 and less than 1, got NaN',
  ],
  [
    'AlphaDropout of integers',
    () => new nn.AlphaDropout().forward(whole),
    'alphaDropout: needs float32 or float64; cast it first, got int32',
  ],
  [
    'DropPath of everything',
    () => new nn.DropPath(1),
    'DropPath: p must be at least 0 and less than 1, got 1',
  ],
  [
    'DropPath of a number',
    () => new nn.DropPath().forward(ones([])),
    'dropPath: input must be [N, ...], got []',
  ],
  [
    'Embedding of no rows',
    () => new nn.Embedding(0, 3),
    'Embedding: numEmbeddings must be a positive integer, got 0',
  ],
  [
    'Embedding with padding beyond its rows',
    () => new nn.Embedding(3, 2, { paddingIdx: 3 }),
    'Embedding: paddingIdx must be an integer from -3 to 2, got 3',
  ],
  [
    'Embedding of floats',
    () => new nn.Embedding(3, 2).forward(matrix),
    'Embedding: indices must be int32 or uint8, got float32',
  ],
  [
    'SinusoidalEncoding of a vector',
    () => new nn.SinusoidalEncoding().forward(ones([3])),
    'SinusoidalEncoding: input must be [..., T, F], got [3]',
  ],
  [
    'LearnedEncoding of no positions',
    () => new nn.LearnedEncoding(0, 4),
    'LearnedEncoding: maxLength must be a positive integer, got 0',
  ],
  [
    'LearnedEncoding of too long a sequence',
    () => new nn.LearnedEncoding(4, 4).forward(sequence),
    'LearnedEncoding: input must be [...,T,4], T up to 4, got [2,5,4]',
  ],
  [
    'MultiheadAttention of heads that do not fit',
    () => new nn.MultiheadAttention(4, 3),
    'MultiheadAttention: numHeads must divide the 4 features, got 3',
  ],
  [
    'MultiheadAttention of no key features',
    () => new nn.MultiheadAttention(4, 2, { kdim: 0 }),
    'MultiheadAttention: kdim must be a positive integer, got 0',
  ],
  [
    'MultiheadAttention that drops everything',
    () => new nn.MultiheadAttention(4, 2, { dropout: 1 }),
    'MultiheadAttention: dropout must be at least 0 and less than 1, got 1',
  ],
  [
    'MultiheadAttention that turns an odd number of features',
    () => new nn.MultiheadAttention(6, 2, { rotary: true }),
    'MultiheadAttention: rotary needs an even number of features of a head, got 3',
  ],
  [
    'MultiheadAttention on a matrix',
    () => multihead.forward(matrix),
    'MultiheadAttention: query must be [N, length, 4], got [2,3]',
  ],
  [
    'MultiheadAttention to other samples',
    () => multihead.forward(sequence, ones([3, 5, 4])),
    'MultiheadAttention: query, key and value must fit each other, got [2,5,4], [3,5,4], [3,5,4]',
  ],
  [
    'MultiheadAttention with a mask of three axes',
    () => multihead.attend(sequence, memory, memory, { mask: boolMask([2, 5, 6]) }),
    'MultiheadAttention: mask must be [5,6] or [2,2,5,6], got [2,5,6]',
  ],
  [
    'MultiheadAttention with another padding',
    () => multihead.attend(sequence, memory, memory, { keyPaddingMask: boolMask([2, 5]) }),
    'MultiheadAttention: keyPaddingMask must be bool[2,6], got bool[2,5]',
  ],
  [
    'TransformerEncoderLayer with an unknown activation',
    () => new nn.TransformerEncoderLayer(4, 2, { activation: 'swish' as 'relu' }),
    "TransformerEncoderLayer: activation must be 'relu', 'gelu' or a function, got swish",
  ],
  [
    'TransformerEncoderLayer on other features',
    () => new nn.TransformerEncoderLayer(2, 2).forward(sequence),
    'MultiheadAttention: query must be [N, length, 2], got [2,5,4]',
  ],
  [
    'TransformerDecoderLayer with no inner features',
    () => new nn.TransformerDecoderLayer(4, 2, { dimFeedforward: 0 }),
    'TransformerDecoderLayer: dimFeedforward must be a positive integer, got 0',
  ],
  [
    'TransformerDecoderLayer to another memory',
    () => new nn.TransformerDecoderLayer(4, 2).forward(sequence, matrix),
    'MultiheadAttention: key must be [N, length, 4], got [2,3]',
  ],
  [
    'TransformerEncoder of no layers',
    () => new nn.TransformerEncoder(0, () => new nn.TransformerEncoderLayer(4, 2)),
    'TransformerEncoder: numLayers must be an integer from 1 to 65536, got 0',
  ],
  [
    'TransformerEncoder of a layer shared by all places',
    () => {
      const layer = new nn.TransformerEncoderLayer(4, 2);
      return new nn.TransformerEncoder(2, () => layer);
    },
    'TransformerEncoder: layer must make a new layer for each place',
  ],
  [
    'TransformerDecoder of encoder layers',
    () =>
      new nn.TransformerDecoder(
        1,
        () => new nn.TransformerEncoderLayer(4, 2) as unknown as nn.TransformerDecoderLayer,
      ),
    'TransformerDecoder: the result of layer must be a TransformerDecoderLayer, got an instance of TransformerEncoderLayer',
  ],
  [
    'Residual whose shapes differ',
    () => new nn.Residual(new nn.Linear(3, 2)).forward(matrix),
    'Residual: inner and shortcut must give one shape, got [2,2] and [2,3]',
  ],
  [
    'Residual around a function',
    () => new nn.Residual(cr.relu as unknown as nn.Module),
    'Residual: inner must be a module, got function relu',
  ],
  [
    'Lambda of a number',
    () => new nn.Lambda(3 as unknown as () => Tensor),
    'Lambda: fn must be a function, got 3',
  ],
];

describe('a bad argument of a normalisation, a dropout, an embedding or attention', () => {
  it.each([...functions, ...layers])('%s: the message says what, and the stack where', (_, call, message) => {
    expectBadCall(call, message, 'norm-errors.test.ts');
  });
});
