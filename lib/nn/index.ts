export { scaledDotProductAttention } from '../ops/nn/attention.js';
export { alphaDropout, channelDropout, dropout, dropPath } from '../ops/nn/dropout.js';
export {
  batchNorm,
  groupNorm,
  instanceNorm,
  layerNorm,
  localResponseNorm,
  rmsNorm,
} from '../ops/nn/normalisation.js';
export { rotaryEmbedding, sinusoidalEncoding } from '../ops/nn/positional.js';
export {
  celu,
  elu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  prelu,
  relu6,
  selu,
} from '../ops/nn/rectifiers.js';
export { gelu, glu, logSigmoid, mish, silu, softplus, softsign } from '../ops/nn/smooth-activations.js';
export { logSoftmax, softmax } from '../ops/nn/softmax.js';
export { leakyRelu, relu, sigmoid, tanh } from '../ops/primitives/elementwise.js';
export { flatten } from '../ops/primitives/movement.js';
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  globalAvgPool,
  globalMaxPool,
} from '../ops/spatial/adaptive-pool.js';
export { convTranspose1d, convTranspose2d, convTranspose3d } from '../ops/spatial/conv-transpose.js';
export { conv1d, conv2d, conv3d } from '../ops/spatial/convolution.js';
export {
  avgPool1d,
  avgPool2d,
  avgPool3d,
  lpPool1d,
  lpPool2d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
} from '../ops/spatial/pooling.js';
export { pixelShuffle, pixelUnshuffle, upsample } from '../ops/spatial/upsample.js';
export { Buffer, type BufferOptions } from './buffer.js';
export * as init from './init.js';
export * from './layers/activations.js';
export * from './layers/adaptive-pool.js';
export * from './layers/attention.js';
export * from './layers/batch-norm.js';
export * from './layers/checkpoint.js';
export * from './layers/conv.js';
export * from './layers/conv-transpose.js';
export * from './layers/dropout.js';
export * from './layers/embedding.js';
export * from './layers/linear.js';
export * from './layers/norm.js';
export * from './layers/pool.js';
export * from './layers/positional.js';
export {
  GRU,
  LSTM,
  type Recurrent,
  type RecurrentInputs,
  type RecurrentOptions,
  type RecurrentResult,
  RNN,
  type RNNOptions,
} from './layers/recurrent.js';
export {
  GRUCell,
  LSTMCell,
  type RecurrentCell,
  type RecurrentCellOptions,
  RNNCell,
  type RNNCellOptions,
} from './layers/recurrent-cell.js';
export * from './layers/residual.js';
export * from './layers/structure.js';
export * from './layers/transformer.js';
export * from './layers/transformer-stack.js';
export * from './layers/upsample.js';
export * from './losses.js';
export { Module, type NamedParameter } from './module.js';
export { Parameter, type ParameterOptions } from './parameter.js';
