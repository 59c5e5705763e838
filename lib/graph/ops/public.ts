export { expand, type ReduceOptions, sum } from './broadcast.js';
export { type ConvOptions, conv2d } from './conv.js';
export {
  abs,
  add,
  cast,
  cos,
  div,
  eq,
  exp,
  ge,
  gt,
  le,
  leakyRelu,
  log,
  lt,
  maximum,
  minimum,
  mul,
  ne,
  neg,
  pow,
  relu,
  sigmoid,
  sign,
  sin,
  sqrt,
  square,
  sub,
  tanh,
  where,
} from './elementwise.js';
export { gather, oneHot } from './gather.js';
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
export { avgPool2d, maxPool2d, type PoolOptions } from './pool.js';
export { dropout, normal, uniform } from './random.js';
export { argMax, max, mean } from './reduce.js';
export { logSoftmax, logSumExp, softmax } from './softmax.js';
export { stopGradient } from './stop-gradient.js';
export type { Pair } from './window.js';
