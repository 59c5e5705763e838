export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  globalAvgPool,
  globalMaxPool,
} from './adaptive-pool.js';
export { indexSelect, scatterAddAlong, takeAlong } from './along.js';
export { type AttentionOptions, scaledDotProductAttention } from './attention.js';
export { expand, type ReduceOptions, sum } from './broadcast.js';
export type { ConvOptions, PaddingMode } from './conv-options.js';
export {
  type ConvTransposeOptions,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
} from './conv-transpose.js';
export { conv1d, conv2d, conv3d } from './convolution.js';
export { cumProd, cumSum, prod } from './cumulative.js';
export { type CustomGradientRule, customGradient } from './custom-gradient.js';
export { diag, diagonal, eye, trace, tril, triu } from './diagonal.js';
export { alphaDropout, channelDropout, dropout, dropPath } from './dropout.js';
export { einsum } from './einsum.js';
export {
  abs,
  acos,
  add,
  asin,
  atan,
  atan2,
  cast,
  ceil,
  clip,
  cos,
  cosh,
  div,
  eq,
  erf,
  exp,
  expm1,
  floor,
  floorDiv,
  ge,
  gt,
  isFinite,
  isInf,
  isNaN,
  le,
  leakyRelu,
  log,
  log1p,
  log2,
  log10,
  logAddExp,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  lt,
  maskedFill,
  maximum,
  minimum,
  mod,
  mul,
  ne,
  neg,
  pow,
  reciprocal,
  relu,
  round,
  rsqrt,
  sigmoid,
  sign,
  sin,
  sinh,
  sqrt,
  square,
  sub,
  tan,
  tanh,
  where,
} from './elementwise.js';
export { flip, roll } from './flip.js';
export { gather, oneHot, scatterAdd } from './gather.js';
export { at, chunk, repeatInterleave, split, stack, tile, unstack } from './join.js';
export { type MatmulOptions, matmul } from './matmul.js';
export {
  concat,
  flatten,
  pad,
  permute,
  type Range,
  reshape,
  slice,
  squeeze,
  transpose,
  unsqueeze,
} from './movement.js';
export {
  type CosineSimilarityOptions,
  cosineSimilarity,
  norm,
  std,
  type VarianceOptions,
  type VectorNormOptions,
  variance,
} from './norm.js';
export {
  batchNorm,
  channelMoments,
  groupNorm,
  instanceNorm,
  type LocalResponseNormOptions,
  layerNorm,
  localResponseNorm,
  type NormOptions,
  type RMSNormOptions,
  rmsNorm,
} from './normalisation.js';
export {
  type AvgPoolOptions,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  lpPool1d,
  lpPool2d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type PoolOptions,
} from './pooling.js';
export { type RotaryOptions, rotaryEmbedding, sinusoidalEncoding } from './positional.js';
export { dot, outer } from './products.js';
export { normal, uniform } from './random.js';
export {
  celu,
  elu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  prelu,
  relu6,
  selu,
} from './rectifiers.js';
export { type Axes, all, any, argMax, argMin, max, mean, min } from './reduce.js';
export { type ScanOptions, type ScanStepResult, type ScanValue, scan } from './scan.js';
export {
  type GeluOptions,
  gelu,
  glu,
  logSigmoid,
  mish,
  type SoftplusOptions,
  silu,
  softplus,
  softsign,
} from './smooth-activations.js';
export { logSoftmax, logSumExp, softmax } from './softmax.js';
export { inverse, solve } from './solve.js';
export { argSort, type Ranked, type SortOptions, sort, type TopKOptions, topK } from './sort.js';
export { stopGradient } from './stop-gradient.js';
export {
  pixelShuffle,
  pixelUnshuffle,
  type UpsampleMode,
  type UpsampleOptions,
  upsample,
} from './upsample.js';
export type { Pair, Triple } from './window.js';
