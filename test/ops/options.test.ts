import { cosineSimilarity, nn, ones, optim, tensor } from 'chainrule';
import { describe, it } from 'vitest';
import { type BadCall, expectBadCall } from '../helpers/errors.js';

const x = ones([2, 3]);
const image = ones([1, 4, 4, 2]);
const sequence = ones([1, 2, 4]);
const yes = tensor([1, 1], { dtype: 'bool' });

/** Invalid options that a caller from plain JavaScript might pass; types would reject them. */
const given = (value: unknown) => value as never;
const options = (op: string, received: string, like = '') =>
  `${op}: options must be a plain object${like && ` such as { ${like} }`}, got ${received}`;

const layers: BadCall[] = [
  ['Linear', () => new nn.Linear(2, 3, given(false)), options('Linear', 'false', 'bias: false')],
  ['Conv2d', () => new nn.Conv2d(2, 3, 3, given(2)), options('Conv2d', '2', 'stride: 2')],
  [
    'ConvTranspose1d',
    () => new nn.ConvTranspose1d(2, 3, 3, given([2])),
    options('ConvTranspose1d', '[2]', 'stride: ...'),
  ],
  ['MaxPool2d', () => new nn.MaxPool2d(3, given(2)), options('MaxPool2d', '2', 'stride: 2')],
  ['BatchNorm2d', () => new nn.BatchNorm2d(2, given(1e-3)), options('BatchNorm2d', '0.001', 'eps: 0.001')],
  ['LayerNorm', () => new nn.LayerNorm(2, given(1e-3)), options('LayerNorm', '0.001', 'eps: 0.001')],
  ['RMSNorm', () => new nn.RMSNorm(2, given(1e-3)), options('RMSNorm', '0.001', 'eps: 0.001')],
  ['GroupNorm', () => new nn.GroupNorm(1, 2, given(1e-3)), options('GroupNorm', '0.001', 'eps: 0.001')],
  [
    'InstanceNorm2d',
    () => new nn.InstanceNorm2d(2, given(1e-3)),
    options('InstanceNorm2d', '0.001', 'eps: 0.001'),
  ],
  [
    'LocalResponseNorm',
    () => new nn.LocalResponseNorm(2, given(1)),
    options('LocalResponseNorm', '1', 'alpha: 1'),
  ],
  ['Embedding', () => new nn.Embedding(3, 2, given(0)), options('Embedding', '0', 'paddingIdx: 0')],
  ['LSTM', () => new nn.LSTM(3, 4, given(2)), options('LSTM', '2', 'numLayers: 2')],
  ['GRUCell', () => new nn.GRUCell(3, 4, given(false)), options('GRUCell', 'false', 'bias: false')],
  ['LSTM run', () => new nn.LSTM(4, 3).run(sequence, given([])), options('LSTM', '[]', 'state: ...')],
  [
    'MultiheadAttention',
    () => new nn.MultiheadAttention(4, 2, given(0.1)),
    options('MultiheadAttention', '0.1', 'dropout: 0.1'),
  ],
  [
    'MultiheadAttention attend',
    () => new nn.MultiheadAttention(4, 2).attend(sequence, sequence, sequence, given(yes)),
    options('MultiheadAttention', 'an instance of Tensor', 'mask: ...'),
  ],
  [
    'TransformerEncoderLayer',
    () => new nn.TransformerEncoderLayer(4, 2, given(8)),
    options('TransformerEncoderLayer', '8', 'dimFeedforward: 8'),
  ],
  [
    'TransformerDecoderLayer decode',
    () => new nn.TransformerDecoderLayer(4, 2).decode(sequence, sequence, given(yes)),
    options('TransformerDecoderLayer', 'an instance of Tensor'),
  ],
  [
    'TransformerEncoder',
    () =>
      new nn.TransformerEncoder(1, () => new nn.TransformerEncoderLayer(4, 2), given(new nn.LayerNorm(4))),
    options('TransformerEncoder', 'an instance of LayerNorm', 'norm: ...'),
  ],
  [
    'TransformerDecoder',
    () =>
      new nn.TransformerDecoder(1, () => new nn.TransformerDecoderLayer(4, 2), given(new nn.LayerNorm(4))),
    options('TransformerDecoder', 'an instance of LayerNorm', 'norm: ...'),
  ],
  [
    'Residual',
    () => new nn.Residual(new nn.Identity(), given(new nn.Linear(2, 2))),
    options('Residual', 'an instance of Linear', 'shortcut: ...'),
  ],
  ['GELU', () => new nn.GELU(given('tanh')), options('GELU', 'tanh', 'approximate: ...')],
  ['Softplus', () => new nn.Softplus(given(2)), options('Softplus', '2', 'beta: 2')],
];

const functions: BadCall[] = [
  ['conv2d', () => nn.conv2d(image, ones([3, 3, 2, 1]), given(2)), options('conv2d', '2', 'stride: 2')],
  ['avgPool2d', () => nn.avgPool2d(image, 2, given(1)), options('avgPool2d', '1', 'stride: 1')],
  ['gelu', () => x.gelu(given('tanh')), options('gelu', 'tanh', 'approximate: ...')],
  ['softplus', () => x.softplus(given(2)), options('softplus', '2', 'beta: 2')],
  [
    'scaledDotProductAttention',
    () => nn.scaledDotProductAttention(x, x, x, given(yes)),
    options('scaledDotProductAttention', 'an instance of Tensor', 'mask: ...'),
  ],
  [
    'layerNorm',
    () => x.layerNorm(3, given(ones([3]))),
    options('layerNorm', 'an instance of Tensor', 'weight: ...'),
  ],
  [
    'rmsNorm',
    () => x.rmsNorm(3, given(ones([3]))),
    options('rmsNorm', 'an instance of Tensor', 'weight: ...'),
  ],
  ['groupNorm', () => x.groupNorm(1, given(1e-3)), options('groupNorm', '0.001', 'eps: 0.001')],
  ['instanceNorm', () => nn.instanceNorm(image, given(1e-3)), options('instanceNorm', '0.001', 'eps: 0.001')],
  ['batchNorm', () => nn.batchNorm(x, null, given(1e-3)), options('batchNorm', '0.001', 'eps: 0.001')],
  [
    'localResponseNorm',
    () => nn.localResponseNorm(x, 2, given(1e-4)),
    options('localResponseNorm', '0.0001', 'alpha: 0.0001'),
  ],
  [
    'cosineSimilarity',
    () => cosineSimilarity(x, x, 1, given(1e-6)),
    options('cosineSimilarity', '0.000001', 'eps: 0.000001'),
  ],
  [
    'kaimingNormal',
    () => nn.init.kaimingNormal(given('fanOut')),
    options('kaimingNormal', 'fanOut', 'mode: ...'),
  ],
  ['sum', () => x.sum(1, given(true)), options('sum', 'true', 'keepDims: true')],
  ['max', () => x.max(1, given(true)), options('max', 'true', 'keepDims: true')],
  ['min', () => x.min(1, given(null)), options('min', 'null')],
  ['mean', () => x.mean(1, given(true)), options('mean', 'true', 'keepDims: true')],
  ['any', () => x.any(1, given(true)), options('any', 'true', 'keepDims: true')],
  ['all', () => x.all(1, given(true)), options('all', 'true', 'keepDims: true')],
  ['prod', () => x.prod(1, given(true)), options('prod', 'true', 'keepDims: true')],
  ['logSumExp', () => x.logSumExp(1, given(true)), options('logSumExp', 'true', 'keepDims: true')],
  ['variance', () => x.variance(1, given(0)), options('variance', '0', 'correction: 0')],
  ['std', () => x.std(1, given(0)), options('std', '0', 'correction: 0')],
  ['norm', () => x.norm(1, given(1)), options('norm', '1', 'p: 1')],
  ['sort', () => x.sort(1, given(true)), options('sort', 'true', 'descending: true')],
  ['argSort', () => x.argSort(1, given(true)), options('argSort', 'true', 'descending: true')],
  ['topK', () => x.topK(1, 1, given(false)), options('topK', 'false', 'largest: false')],
];

const optimizers: BadCall[] = [
  ['sgd', () => optim.sgd(given(0.1)), options('sgd', '0.1', 'lr: 0.1')],
  ['adam', () => optim.adam(given(0.1)), options('adam', '0.1', 'lr: 0.1')],
  ['lbfgs', () => optim.lbfgs(given(0.1)), options('lbfgs', '0.1', 'lr: 0.1')],
];

describe('an option by its place, as in other libraries, is refused and not overlooked', () => {
  it.each([...layers, ...functions, ...optimizers])('%s', (_, call, message) => {
    expectBadCall(call, message, 'options.test');
  });
});
