export { scaledDotProductAttention } from '../ops/nn/attention.js';
export * from '../ops/nn/dropout.js';
export * from '../ops/nn/normalisation.js';
export type { LocalResponseNormOptions } from '../ops/nn/normalisation-options.js';
export { rotaryEmbedding, sinusoidalEncoding } from '../ops/nn/positional.js';
export * from '../ops/nn/rectifiers.js';
export * from '../ops/nn/smooth-activations.js';
export { logSoftmax, softmax } from '../ops/nn/softmax.js';
export { leakyRelu, relu, sigmoid, tanh } from '../ops/primitives/elementwise.js';
export { flatten } from '../ops/primitives/movement.js';
export * from '../ops/spatial/adaptive-pool.js';
export * from '../ops/spatial/conv-transpose.js';
export * from '../ops/spatial/convolution.js';
export * from '../ops/spatial/pooling.js';
export * from '../ops/spatial/upsample.js';
export { Buffer, type BufferOptions } from './buffer.js';
export {
  type ColumnFigure,
  type ColumnFigureDefinition,
  type Figure,
  type FigureColumns,
  type FigureDefinition,
  type FigureState,
  type FigureTable,
  figure,
  type MakeFigure,
} from './figure.js';
export * as init from './init.js';
export * from './layers/activations.js';
export * from './layers/adaptive-pool.js';
export {
  type AttentionMasks,
  MultiheadAttention,
  type MultiheadAttentionOptions,
} from './layers/attention.js';
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
export {
  type DecoderMasks,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from './layers/transformer.js';
export * from './layers/transformer-stack.js';
export * from './layers/upsample.js';
export type { WeightOptions } from './layers/weight-options.js';
export * from './losses.js';
export {
  type AnyModule,
  type ForwardArguments,
  type FreezeOptions,
  Module,
  type NamedParameter,
} from './module.js';
export { Parameter, type ParameterOptions } from './parameter.js';
export type { Preprocessing } from './preprocessing.js';
