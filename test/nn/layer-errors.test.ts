import { nn, zeros } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectBadCall } from '../helpers/errors.js';

type Mistake = readonly [call: () => unknown, message: string];

/** For each layer an input that does not fit, and an option that does not, where it has any. */
const mistakes: Readonly<Record<string, readonly [input: Mistake | null, option: Mistake | null]>> = {
  Linear: [
    [
      () => new nn.Linear(4, 2).forward(zeros([2, 3])),
      'Linear: the last axis of the input must be 4, got [2,3]',
    ],
    [() => new nn.Linear(0, 2), 'Linear: inFeatures must be a positive integer, got 0'],
  ],
  Conv1d: [
    [
      () => new nn.Conv1d(3, 2, 3).forward(zeros([1, 8, 4])),
      'conv1d: input channels differ, [1,8,4] x [3,3,2] ([N,L,C] x [K,C,O])',
    ],
    [() => new nn.Conv1d(3, 2, 3, { stride: 0 }), 'Conv1d: stride must be a positive integer, got 0'],
  ],
  Conv2d: [
    [
      () => new nn.Conv2d(3, 2, 3).forward(zeros([1, 8, 3])),
      'conv2d: images must be [N, H, W, C]; one sample alone needs an axis in front: x.unsqueeze(0), got [1,8,3]',
    ],
    [
      () => new nn.Conv2d(3, 4, 3, { groups: 2 }),
      'Conv2d: groups must divide inChannels and outChannels, got 2',
    ],
  ],
  Conv3d: [
    [
      () => new nn.Conv3d(3, 2, 3).forward(zeros([1, 8, 8, 3])),
      'conv3d: volumes must be [N, D, H, W, C]; one sample alone needs an axis in front: x.unsqueeze(0), got [1,8,8,3]',
    ],
    [
      () => new nn.Conv3d(3, 2, [3, 3] as never),
      'Conv3d: kernelSize must be an integer or a triple of them, got [3,3]',
    ],
  ],
  ConvTranspose1d: [
    [
      () => new nn.ConvTranspose1d(3, 2, 3).forward(zeros([1, 8, 4])),
      'convTranspose1d: input channels differ, [1,8,4] x [3,2,3] ([N,L,C] x [K,O,C])',
    ],
    [
      () => new nn.ConvTranspose1d(3, 2, 3, { outputPadding: 1 }),
      'ConvTranspose1d: outputPadding must be less than the stride or the dilation, got [1]',
    ],
  ],
  ConvTranspose2d: [
    [
      () => new nn.ConvTranspose2d(3, 2, 3).forward(zeros([8, 8, 3])),
      'convTranspose2d: images must be [N, H, W, C]; one sample alone needs an axis in front: x.unsqueeze(0), got [8,8,3]',
    ],
    [
      () => new nn.ConvTranspose2d(3, 4, 3, { groups: 2 }),
      'ConvTranspose2d: groups must divide inChannels and outChannels, got 2',
    ],
  ],
  ConvTranspose3d: [
    [
      () => new nn.ConvTranspose3d(3, 2, 3).forward(zeros([1, 8, 8, 3])),
      'convTranspose3d: volumes must be [N, D, H, W, C]; one sample alone needs an axis in front: x.unsqueeze(0), got [1,8,8,3]',
    ],
    [() => new nn.ConvTranspose3d(3, 2, 0), 'ConvTranspose3d: kernelSize must be a positive integer, got 0'],
  ],
  MaxPool1d: [
    [() => new nn.MaxPool1d(2).forward(zeros([2, 8])), 'maxPool1d: sequences must be [N, L, C], got [2,8]'],
    [() => new nn.MaxPool1d(0), 'MaxPool1d: size must be a positive integer, got 0'],
  ],
  MaxPool2d: [
    [
      () => new nn.MaxPool2d(3).forward(zeros([1, 2, 2, 1])),
      'maxPool2d: a window of 3 does not fit into 2 with a padding of 0',
    ],
    [
      () => new nn.MaxPool2d(2, { padding: 2 }),
      'MaxPool2d: padding must be at most half of the window, got [2,2]',
    ],
  ],
  MaxPool3d: [
    [
      () => new nn.MaxPool3d(2).forward(zeros([1, 4, 4, 1])),
      'maxPool3d: volumes must be [N, D, H, W, C], got [1,4,4,1]',
    ],
    [() => new nn.MaxPool3d(2, { dilation: 0 }), 'MaxPool3d: dilation must be a positive integer, got 0'],
  ],
  AvgPool1d: [
    [() => new nn.AvgPool1d(2).forward(zeros([2, 8])), 'avgPool1d: sequences must be [N, L, C], got [2,8]'],
    [() => new nn.AvgPool1d(2, { stride: 0 }), 'AvgPool1d: stride must be a positive integer, got 0'],
  ],
  AvgPool2d: [
    [
      () => new nn.AvgPool2d(3).forward(zeros([1, 2, 2, 1])),
      'avgPool2d: a window of 3 does not fit into 2 with a padding of 0',
    ],
    [() => new nn.AvgPool2d(2, { padding: -1 }), 'AvgPool2d: padding must be a non-negative integer, got -1'],
  ],
  AvgPool3d: [
    [
      () => new nn.AvgPool3d(2).forward(zeros([1, 4, 4, 1])),
      'avgPool3d: volumes must be [N, D, H, W, C], got [1,4,4,1]',
    ],
    [
      () => new nn.AvgPool3d([2, 2] as never),
      'AvgPool3d: size must be an integer or a triple of them, got [2,2]',
    ],
  ],
  LPPool1d: [
    [() => new nn.LPPool1d(2, 2).forward(zeros([2, 8])), 'lpPool1d: sequences must be [N, L, C], got [2,8]'],
    [() => new nn.LPPool1d(0, 2), 'LPPool1d: p must be a positive number, got 0'],
  ],
  LPPool2d: [
    [
      () => new nn.LPPool2d(2, 2).forward(zeros([2, 8, 8])),
      'lpPool2d: images must be [N, H, W, C], got [2,8,8]',
    ],
    [() => new nn.LPPool2d(-1, 2), 'LPPool2d: p must be a positive number, got -1'],
  ],
  AdaptiveAvgPool1d: [
    [
      () => new nn.AdaptiveAvgPool1d(2).forward(zeros([2, 8])),
      'adaptiveAvgPool1d: sequences must be [N, L, C], got [2,8]',
    ],
    [() => new nn.AdaptiveAvgPool1d(0), 'AdaptiveAvgPool1d: size must be a positive integer, got 0'],
  ],
  AdaptiveAvgPool2d: [
    [
      () => new nn.AdaptiveAvgPool2d(2).forward(zeros([2, 8, 8])),
      'adaptiveAvgPool2d: images must be [N, H, W, C], got [2,8,8]',
    ],
    [
      () => new nn.AdaptiveAvgPool2d(0.5),
      'AdaptiveAvgPool2d: size must be an integer or an array of integers, got 0.5',
    ],
  ],
  AdaptiveMaxPool1d: [
    [
      () => new nn.AdaptiveMaxPool1d(2).forward(zeros([2, 8])),
      'adaptiveMaxPool1d: sequences must be [N, L, C], got [2,8]',
    ],
    [() => new nn.AdaptiveMaxPool1d(0), 'AdaptiveMaxPool1d: size must be a positive integer, got 0'],
  ],
  AdaptiveMaxPool2d: [
    [
      () => new nn.AdaptiveMaxPool2d(2).forward(zeros([2, 8, 8])),
      'adaptiveMaxPool2d: images must be [N, H, W, C], got [2,8,8]',
    ],
    [() => new nn.AdaptiveMaxPool2d([2, 0]), 'AdaptiveMaxPool2d: size must be a positive integer, got 0'],
  ],
  GlobalAvgPool: [
    [
      () => new nn.GlobalAvgPool().forward(zeros([2, 8])),
      'globalAvgPool: needs at least one axis between the first and the last, got [2,8]',
    ],
    null,
  ],
  GlobalMaxPool: [
    [
      () => new nn.GlobalMaxPool().forward(zeros([8])),
      'globalMaxPool: needs at least one axis between the first and the last, got [8]',
    ],
    null,
  ],
  Upsample: [
    [
      () => new nn.Upsample({ scale: 2 }).forward(zeros([4])),
      'upsample: needs one to three axes between the first and the last, got [4]',
    ],
    [
      () => new nn.Upsample({ scale: 2, mode: 'cubic' as never }),
      "Upsample: mode must be 'nearest', 'linear', 'bilinear', 'trilinear' or 'bicubic', got cubic",
    ],
  ],
  PixelShuffle: [
    [
      () => new nn.PixelShuffle(2).forward(zeros([1, 2, 2, 3])),
      'pixelShuffle: channels must be a multiple of 4, got 3',
    ],
    [() => new nn.PixelShuffle(0), 'PixelShuffle: factor must be a positive integer, got 0'],
  ],
  PixelUnshuffle: [
    [
      () => new nn.PixelUnshuffle(2).forward(zeros([1, 3, 2, 1])),
      'pixelUnshuffle: height and width must be multiples of 2, got [1,3,2,1]',
    ],
    [() => new nn.PixelUnshuffle(1.5), 'PixelUnshuffle: factor must be a positive integer, got 1.5'],
  ],
  BatchNorm1d: [
    [
      () => new nn.BatchNorm1d(3).forward(zeros([2, 4])),
      'BatchNorm1d: input must be [N,3] or [N,L,3], got [2,4]',
    ],
    [
      () => new nn.BatchNorm1d(3, { momentum: 2 }),
      'BatchNorm1d: momentum must be from 0 to 1 or null, got 2',
    ],
  ],
  BatchNorm2d: [
    [
      () => new nn.BatchNorm2d(3).forward(zeros([2, 4, 3])),
      'BatchNorm2d: input must be [N,H,W,3]; one sample alone needs an axis in front: x.unsqueeze(0), got [2,4,3]',
    ],
    [() => new nn.BatchNorm2d(0), 'BatchNorm2d: numFeatures must be a positive integer, got 0'],
  ],
  BatchNorm3d: [
    [
      () => new nn.BatchNorm3d(3).forward(zeros([2, 4, 4, 3])),
      'BatchNorm3d: input must be [N,D,H,W,3]; one sample alone needs an axis in front: x.unsqueeze(0), got [2,4,4,3]',
    ],
    [() => new nn.BatchNorm3d(3, { eps: -1 }), 'BatchNorm3d: eps must be a non-negative number, got -1'],
  ],
  LayerNorm: [
    [() => new nn.LayerNorm(3).forward(zeros([2, 4])), 'layerNorm: input must end in [3], got [2,4]'],
    [() => new nn.LayerNorm([]), 'LayerNorm: normalizedShape must have at least one axis, got []'],
  ],
  GroupNorm: [
    [() => new nn.GroupNorm(2, 4).forward(zeros([2, 3])), 'GroupNorm: input must be [N,...,4], got [2,3]'],
    [() => new nn.GroupNorm(3, 4), 'GroupNorm: numGroups must divide the 4 channels, got 3'],
  ],
  InstanceNorm1d: [
    [
      () => new nn.InstanceNorm1d(3).forward(zeros([2, 3])),
      'InstanceNorm1d: input must be [N,L,3]; one sample alone needs an axis in front: x.unsqueeze(0), got [2,3]',
    ],
    [() => new nn.InstanceNorm1d(-3), 'InstanceNorm1d: numFeatures must be a positive integer, got -3'],
  ],
  InstanceNorm2d: [
    [
      () => new nn.InstanceNorm2d(3).forward(zeros([2, 4, 4, 2])),
      'InstanceNorm2d: input must be [N,H,W,3], got [2,4,4,2]',
    ],
    [
      () => new nn.InstanceNorm2d(3, { eps: Number.NaN }),
      'InstanceNorm2d: eps must be a non-negative number, got NaN',
    ],
  ],
  RMSNorm: [
    [() => new nn.RMSNorm(3).forward(zeros([2, 4])), 'rmsNorm: input must end in [3], got [2,4]'],
    [() => new nn.RMSNorm(0), 'RMSNorm: normalizedShape must hold at least one element, got [0]'],
  ],
  LocalResponseNorm: [
    [
      () => new nn.LocalResponseNorm(3).forward(zeros([4])),
      'localResponseNorm: input must be [N, ..., C], got [4]',
    ],
    [() => new nn.LocalResponseNorm(0), 'LocalResponseNorm: size must be a positive integer, got 0'],
  ],
  Dropout: [
    [
      () => new nn.Dropout().forward(zeros([2], 'int32')),
      'dropout: needs float32 or float64; cast it first, got int32',
    ],
    [() => new nn.Dropout(1), 'Dropout: p must be at least 0 and less than 1, got 1'],
  ],
  Dropout1d: [
    [() => new nn.Dropout1d().forward(zeros([2, 3])), 'Dropout1d: input must be [N,L,C], got [2,3]'],
    [() => new nn.Dropout1d(-0.1), 'Dropout1d: p must be at least 0 and less than 1, got -0.1'],
  ],
  Dropout2d: [
    [() => new nn.Dropout2d().forward(zeros([2, 3, 4])), 'Dropout2d: input must be [N,H,W,C], got [2,3,4]'],
    [() => new nn.Dropout2d(1.5), 'Dropout2d: p must be at least 0 and less than 1, got 1.5'],
  ],
  AlphaDropout: [
    [
      () => new nn.AlphaDropout().forward(zeros([2], 'int32')),
      'alphaDropout: needs float32 or float64; cast it first, got int32',
    ],
    [() => new nn.AlphaDropout(1), 'AlphaDropout: p must be at least 0 and less than 1, got 1'],
  ],
  DropPath: [
    [() => new nn.DropPath().forward(zeros([])), 'dropPath: input must be [N, ...], got []'],
    [() => new nn.DropPath(Number.NaN), 'DropPath: p must be at least 0 and less than 1, got NaN'],
  ],
  Embedding: [
    [
      () => new nn.Embedding(5, 2).forward(zeros([2])),
      'Embedding: indices must be int32 or uint8, got float32',
    ],
    [
      () => new nn.Embedding(5, 2, { paddingIdx: 5 }),
      'Embedding: paddingIdx must be an integer from -5 to 4, got 5',
    ],
  ],
  RNN: [
    [() => new nn.RNN(3, 2).forward(zeros([2, 4])), 'RNN: input must be [batch, time, 3], got [2,4]'],
    [
      () => new nn.RNN(3, 2, { nonlinearity: 'sin' as never }),
      "RNN: nonlinearity must be 'tanh' or 'relu', got sin",
    ],
  ],
  LSTM: [
    [() => new nn.LSTM(3, 2).forward(zeros([2, 4, 2])), 'LSTM: input must be [batch, time, 3], got [2,4,2]'],
    [() => new nn.LSTM(3, 2, { numLayers: 0 }), 'LSTM: numLayers must be an integer from 1 to 65536, got 0'],
  ],
  GRU: [
    [() => new nn.GRU(3, 2).forward(zeros([3])), 'GRU: input must be [batch, time, 3], got [3]'],
    [() => new nn.GRU(3, 2, { dropout: 1.5 }), 'GRU: dropout must be at least 0 and less than 1, got 1.5'],
  ],
  RNNCell: [
    [() => new nn.RNNCell(3, 2).forward(zeros([2, 4])), 'RNNCell: input must be [batch, 3], got [2,4]'],
    [
      () => new nn.RNNCell(3, 2, { nonlinearity: 'sin' as never }),
      "RNNCell: nonlinearity must be 'tanh' or 'relu', got sin",
    ],
  ],
  LSTMCell: [
    [() => new nn.LSTMCell(3, 2).forward(zeros([3])), 'LSTMCell: input must be [batch, 3], got [3]'],
    [() => new nn.LSTMCell(0, 2), 'LSTMCell: inputSize must be a positive integer, got 0'],
  ],
  GRUCell: [
    [() => new nn.GRUCell(3, 2).forward(zeros([2, 4, 3])), 'GRUCell: input must be [batch, 3], got [2,4,3]'],
    [() => new nn.GRUCell(3, -2), 'GRUCell: hiddenSize must be a positive integer, got -2'],
  ],
  MultiheadAttention: [
    [
      () => new nn.MultiheadAttention(4, 2).forward(zeros([2, 3, 5])),
      'MultiheadAttention: query must be [N, length, 4], got [2,3,5]',
    ],
    [() => new nn.MultiheadAttention(5, 2), 'MultiheadAttention: numHeads must divide the 5 features, got 2'],
  ],
  TransformerEncoderLayer: [
    [
      () => new nn.TransformerEncoderLayer(4, 2).forward(zeros([2, 4])),
      'MultiheadAttention: query must be [N, length, 4], got [2,4]',
    ],
    [
      () => new nn.TransformerEncoderLayer(5, 2),
      'MultiheadAttention: numHeads must divide the 5 features, got 2',
    ],
  ],
  TransformerDecoderLayer: [
    [
      () => new nn.TransformerDecoderLayer(4, 2).forward(zeros([2, 3, 4]), zeros([2, 3, 5])),
      'MultiheadAttention: key must be [N, length, 4], got [2,3,5]',
    ],
    [
      () => new nn.TransformerDecoderLayer(4, 2, { dropout: 1 }),
      'TransformerDecoderLayer: dropout must be at least 0 and less than 1, got 1',
    ],
  ],
  TransformerEncoder: [
    [
      () =>
        new nn.TransformerEncoder(1, () => new nn.TransformerEncoderLayer(4, 2)).forward(zeros([2, 3, 5])),
      'MultiheadAttention: query must be [N, length, 4], got [2,3,5]',
    ],
    [
      () => new nn.TransformerEncoder(0, () => new nn.TransformerEncoderLayer(4, 2)),
      'TransformerEncoder: numLayers must be an integer from 1 to 65536, got 0',
    ],
  ],
  TransformerDecoder: [
    [
      () =>
        new nn.TransformerDecoder(1, () => new nn.TransformerDecoderLayer(4, 2)).forward(
          zeros([2, 3, 5]),
          zeros([2, 3, 4]),
        ),
      'MultiheadAttention: query must be [N, length, 4], got [2,3,5]',
    ],
    [
      () => new nn.TransformerDecoder(1.5, () => new nn.TransformerDecoderLayer(4, 2)),
      'TransformerDecoder: numLayers must be an integer from 1 to 65536, got 1.5',
    ],
  ],
  SinusoidalEncoding: [
    [
      () => new nn.SinusoidalEncoding().forward(zeros([3])),
      'SinusoidalEncoding: input must be [..., T, F], got [3]',
    ],
    null,
  ],
  LearnedEncoding: [
    [
      () => new nn.LearnedEncoding(4, 2).forward(zeros([1, 5, 2])),
      'LearnedEncoding: input must be [...,T,2], T up to 4, got [1,5,2]',
    ],
    [() => new nn.LearnedEncoding(0, 2), 'LearnedEncoding: maxLength must be a positive integer, got 0'],
  ],
  Checkpoint: [
    [
      () => new nn.Checkpoint(new nn.Linear(2, 3)).forward(3 as never),
      'Checkpoint: input must be a tensor, got 3',
    ],
    [() => new nn.Checkpoint(3 as never), 'Checkpoint: inner must be a module, got 3'],
  ],
  Residual: [
    [
      () => new nn.Residual(new nn.Linear(3, 2)).forward(zeros([2, 3])),
      'Residual: inner and shortcut must give one shape, got [2,2] and [2,3]',
    ],
    [() => new nn.Residual(3 as never), 'Residual: inner must be a module, got 3'],
  ],
  Lambda: [
    [
      () => new nn.Lambda((x) => x.matmul(x)).forward(zeros([2, 3])),
      'matmul: inner dimensions differ, [2,3] x [2,3]',
    ],
    [() => new nn.Lambda(3 as never), 'Lambda: fn must be a function, got 3'],
  ],
  Flatten: [
    [() => new nn.Flatten().forward(zeros([2])), 'flatten: axis must be an integer from -1 to 0, got 1'],
    [
      () => new nn.Flatten(2, 1).forward(zeros([2, 2, 2])),
      'flatten: start must not lie behind end, got [2,1]',
    ],
  ],
  Sequential: [
    [
      () => new nn.Sequential(new nn.Linear(3, 2), new nn.Linear(3, 2)).forward(zeros([1, 3])),
      'Linear: the last axis of the input must be 3, got [1,2]',
    ],
    [() => new nn.Sequential(nn.relu as never), 'Sequential: layers must be modules, got function relu'],
  ],
  ReLU: [
    [() => new nn.ReLU().forward(zeros([2], 'bool')), 'relu: needs numbers; cast the bool first, got bool'],
    null,
  ],
  ReLU6: [
    [
      () => new nn.ReLU6().forward(zeros([2], 'bool')),
      'relu6: needs float32 or float64; cast it first, got bool',
    ],
    null,
  ],
  LeakyReLU: [
    [
      () => new nn.LeakyReLU().forward(zeros([2], 'int32')),
      'leakyRelu: needs float32 or float64; cast it first, got int32',
    ],
    [() => new nn.LeakyReLU(Number.NaN), 'LeakyReLU: slope must be a finite number, got NaN'],
  ],
  PReLU: [
    [
      () => new nn.PReLU(3).forward(zeros([2, 4])),
      'prelu: weight must be [1], or as long as the last axis, got [3] for an input of [2,4]',
    ],
    [() => new nn.PReLU(0), 'PReLU: numParameters must be a positive integer, got 0'],
  ],
  ELU: [
    [
      () => new nn.ELU().forward(zeros([2], 'int32')),
      'elu: needs float32 or float64; cast it first, got int32',
    ],
    [() => new nn.ELU(Number.NaN), 'ELU: alpha must be a finite number, got NaN'],
  ],
  CELU: [
    [
      () => new nn.CELU().forward(zeros([2], 'int32')),
      'celu: needs float32 or float64; cast it first, got int32',
    ],
    [() => new nn.CELU(0), 'CELU: alpha must be a finite number other than 0, got 0'],
  ],
  SELU: [
    [
      () => new nn.SELU().forward(zeros([2], 'int32')),
      'selu: needs float32 or float64; cast it first, got int32',
    ],
    null,
  ],
  Hardtanh: [
    [
      () => new nn.Hardtanh().forward(zeros([2], 'bool')),
      'hardTanh: needs float32 or float64; cast it first, got bool',
    ],
    [() => new nn.Hardtanh(1, -1), 'Hardtanh: low must not be greater than high, got [1,-1]'],
  ],
  Hardsigmoid: [
    [
      () => new nn.Hardsigmoid().forward(zeros([2], 'int32')),
      'hardSigmoid: needs float32 or float64; cast it first, got int32',
    ],
    null,
  ],
  Hardswish: [
    [
      () => new nn.Hardswish().forward(zeros([2], 'int32')),
      'hardSwish: needs float32 or float64; cast it first, got int32',
    ],
    null,
  ],
  Sigmoid: [
    [
      () => new nn.Sigmoid().forward(zeros([2], 'int32')),
      'sigmoid: needs float32 or float64; cast it first, got int32',
    ],
    null,
  ],
  LogSigmoid: [
    [
      () => new nn.LogSigmoid().forward(zeros([2], 'int32')),
      'logSigmoid: needs float32 or float64; cast it first, got int32',
    ],
    null,
  ],
  Tanh: [
    [
      () => new nn.Tanh().forward(zeros([2], 'int32')),
      'tanh: needs float32 or float64; cast it first, got int32',
    ],
    null,
  ],
  Softplus: [
    [
      () => new nn.Softplus().forward(zeros([2], 'int32')),
      'softplus: needs float32 or float64; cast it first, got int32',
    ],
    [() => new nn.Softplus({ beta: 0 }), 'Softplus: beta must be a positive number, got 0'],
  ],
  Softsign: [
    [
      () => new nn.Softsign().forward(zeros([2], 'int32')),
      'softsign: needs float32 or float64; cast it first, got int32',
    ],
    null,
  ],
  GELU: [
    [
      () => new nn.GELU().forward(zeros([2], 'int32')),
      'gelu: needs float32 or float64; cast it first, got int32',
    ],
    [
      () => new nn.GELU({ approximate: 'sigmoid' as never }),
      "GELU: approximate must be 'none' or 'tanh', got sigmoid",
    ],
  ],
  SiLU: [
    [
      () => new nn.SiLU().forward(zeros([2], 'int32')),
      'silu: needs float32 or float64; cast it first, got int32',
    ],
    null,
  ],
  Mish: [
    [
      () => new nn.Mish().forward(zeros([2], 'int32')),
      'mish: needs float32 or float64; cast it first, got int32',
    ],
    null,
  ],
  GLU: [
    [() => new nn.GLU().forward(zeros([2, 3])), 'glu: axis 1 must have an even length, got 3'],
    [() => new nn.GLU(2).forward(zeros([2, 2])), 'glu: axis must be an integer from -2 to 1, got 2'],
  ],
  Softmax: [
    [
      () => new nn.Softmax().forward(zeros([2], 'int32')),
      'softmax: needs float32 or float64; cast it first, got int32',
    ],
    [() => new nn.Softmax(1).forward(zeros([2])), 'softmax: axis must be an integer from -1 to 0, got 1'],
  ],
  LogSoftmax: [
    [
      () => new nn.LogSoftmax().forward(zeros([2], 'int32')),
      'logSoftmax: needs float32 or float64; cast it first, got int32',
    ],
    [
      () => new nn.LogSoftmax(-2).forward(zeros([2])),
      'logSoftmax: axis must be an integer from -1 to 0, got -2',
    ],
  ],
};

/** Takes whatever it is given. */
const withoutMistakes = ['Identity'];

describe('every layer', () => {
  it('is in the list of mistakes', () => {
    const layers = Object.entries(nn).filter(([, value]) => {
      return typeof value === 'function' && value.prototype instanceof nn.Module;
    });
    const names = layers.map(([name]) => name).filter((name) => !withoutMistakes.includes(name));
    expect(Object.keys(mistakes).sort()).toEqual(names.sort());
  });

  const calls = Object.entries(mistakes).flatMap(([layer, [input, option]]) => [
    ...(input ? [{ layer, what: 'an input', call: input[0], message: input[1] }] : []),
    ...(option ? [{ layer, what: 'an option', call: option[0], message: option[1] }] : []),
  ]);
  it.each(calls)('$layer refuses $what that does not fit, with a clear message', ({ call, message }) => {
    expectBadCall(call, message, 'layer-errors.test');
  });
});
