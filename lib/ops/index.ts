// The public ops. Those of primitives are listed by name, because their files export records as well; files of
// composites export public names only.

export * from './indexing/index-select.js';
export * from './indexing/join.js';
export * from './indexing/one-hot.js';
export * from './indexing/roll.js';
export * from './indexing/sort.js';
export * from './linalg/diagonal.js';
export * from './linalg/einsum.js';
export * from './linalg/inverse.js';
export * from './linalg/products.js';
export * from './math/arithmetic.js';
export * from './math/logarithms.js';
export * from './math/logic.js';
export * from './math/norm.js';
export * from './math/products.js';
export * from './math/reductions.js';
export type { GeluOptions, SoftplusOptions } from './nn/activation-options.js';
export { type AttentionOptions, scaledDotProductAttention } from './nn/attention.js';
export * from './nn/dropout.js';
export * from './nn/normalisation.js';
export type { LocalResponseNormOptions } from './nn/normalisation-options.js';
export * from './nn/positional.js';
export type { RotaryOptions } from './nn/positional-options.js';
export * from './nn/rectifiers.js';
export * from './nn/smooth-activations.js';
export * from './nn/softmax.js';
export { scatterAddAlong, takeAlong } from './primitives/along.js';
export { expand, type ReduceOptions, sum } from './primitives/broadcast.js';
export { cumSum } from './primitives/cumulative.js';
export { type CustomGradientRule, customGradient } from './primitives/custom-gradient.js';
export {
  abs,
  acos,
  add,
  asin,
  atan,
  atan2,
  cast,
  ceil,
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
  le,
  leakyRelu,
  log,
  log1p,
  lt,
  maximum,
  minimum,
  mod,
  mul,
  ne,
  neg,
  pow,
  relu,
  round,
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
} from './primitives/elementwise.js';
export { flip } from './primitives/flip.js';
export { gather, scatterAdd } from './primitives/gather.js';
export type { ConvAlgorithm } from './primitives/images/conv.js';
export type { Pair, Triple } from './primitives/images/window.js';
export { type MatmulOptions, matmul } from './primitives/matmul.js';
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
} from './primitives/movement.js';
export { normal, uniform } from './primitives/random.js';
export { type Axes, argMax, argMin, max, min } from './primitives/reduce.js';
export { solve } from './primitives/solve.js';
export { argSort, type SortOptions } from './primitives/sort.js';
export { stopGradient } from './primitives/stop-gradient.js';
export * from './scan/cumulative-product.js';
export * from './scan/scan.js';
export * from './spatial/adaptive-pool.js';
export type { ConvOptions, ConvTransposeOptions, PaddingMode } from './spatial/conv-options.js';
export * from './spatial/conv-transpose.js';
export * from './spatial/convolution.js';
export type { AvgPoolOptions, MaxPoolOptions, PoolOptions } from './spatial/pool-options.js';
export * from './spatial/pooling.js';
export * from './spatial/upsample.js';
export type { UpsampleMode, UpsampleOptions } from './spatial/upsample-options.js';
