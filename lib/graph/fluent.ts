import type { DType, TypedArray } from './dtype.js';
import { invalid } from './errors.js';
import { evaluator } from './evaluate.js';
import * as along from './ops/along.js';
import * as broadcast from './ops/broadcast.js';
import * as transposed from './ops/conv-transpose.js';
import * as conv from './ops/convolution.js';
import * as cumulative from './ops/cumulative.js';
import * as diagonal from './ops/diagonal.js';
import * as dropout from './ops/dropout.js';
import * as elementwise from './ops/elementwise.js';
import * as flip from './ops/flip.js';
import * as gather from './ops/gather.js';
import * as join from './ops/join.js';
import * as matmul from './ops/matmul.js';
import * as movement from './ops/movement.js';
import * as norm from './ops/norm.js';
import * as normalisation from './ops/normalisation.js';
import * as products from './ops/products.js';
import * as rectifiers from './ops/rectifiers.js';
import * as reduce from './ops/reduce.js';
import * as smooth from './ops/smooth-activations.js';
import * as softmax from './ops/softmax.js';
import * as solve from './ops/solve.js';
import * as sort from './ops/sort.js';
import { stopGradient } from './ops/stop-gradient.js';
import { contiguousStrides } from './shapes.js';
import { Tensor } from './tensor.js';

// `x.relu()` for `relu(x)`: each function of the ops whose first argument is a tensor, as a method.
const methods = {
  neg: elementwise.neg,
  abs: elementwise.abs,
  exp: elementwise.exp,
  expm1: elementwise.expm1,
  log: elementwise.log,
  log1p: elementwise.log1p,
  log2: elementwise.log2,
  log10: elementwise.log10,
  sqrt: elementwise.sqrt,
  rsqrt: elementwise.rsqrt,
  reciprocal: elementwise.reciprocal,
  sin: elementwise.sin,
  cos: elementwise.cos,
  tan: elementwise.tan,
  asin: elementwise.asin,
  acos: elementwise.acos,
  atan: elementwise.atan,
  sinh: elementwise.sinh,
  cosh: elementwise.cosh,
  erf: elementwise.erf,
  tanh: elementwise.tanh,
  sigmoid: elementwise.sigmoid,
  relu: elementwise.relu,
  leakyRelu: elementwise.leakyRelu,
  square: elementwise.square,
  sign: elementwise.sign,
  floor: elementwise.floor,
  ceil: elementwise.ceil,
  round: elementwise.round,
  add: elementwise.add,
  sub: elementwise.sub,
  mul: elementwise.mul,
  div: elementwise.div,
  pow: elementwise.pow,
  floorDiv: elementwise.floorDiv,
  mod: elementwise.mod,
  maximum: elementwise.maximum,
  minimum: elementwise.minimum,
  logAddExp: elementwise.logAddExp,
  clip: elementwise.clip,
  eq: elementwise.eq,
  ne: elementwise.ne,
  lt: elementwise.lt,
  le: elementwise.le,
  gt: elementwise.gt,
  ge: elementwise.ge,
  logicalAnd: elementwise.logicalAnd,
  logicalOr: elementwise.logicalOr,
  logicalXor: elementwise.logicalXor,
  logicalNot: elementwise.logicalNot,
  isNaN: elementwise.isNaN,
  isFinite: elementwise.isFinite,
  isInf: elementwise.isInf,
  maskedFill: elementwise.maskedFill,
  sum: broadcast.sum,
  expand: broadcast.expand,
  max: reduce.max,
  mean: reduce.mean,
  argMax: reduce.argMax,
  reshape: movement.reshape,
  flatten: movement.flatten,
  unsqueeze: movement.unsqueeze,
  squeeze: movement.squeeze,
  permute: movement.permute,
  transpose: movement.transpose,
  slice: movement.slice,
  pad: movement.pad,
  matmul: matmul.matmul,
  conv1d: conv.conv1d,
  conv2d: conv.conv2d,
  conv3d: conv.conv3d,
  convTranspose1d: transposed.convTranspose1d,
  convTranspose2d: transposed.convTranspose2d,
  convTranspose3d: transposed.convTranspose3d,
  gather: gather.gather,
  logSumExp: softmax.logSumExp,
  logSoftmax: softmax.logSoftmax,
  softmax: softmax.softmax,
  relu6: rectifiers.relu6,
  hardTanh: rectifiers.hardTanh,
  hardSigmoid: rectifiers.hardSigmoid,
  hardSwish: rectifiers.hardSwish,
  elu: rectifiers.elu,
  celu: rectifiers.celu,
  selu: rectifiers.selu,
  prelu: rectifiers.prelu,
  gelu: smooth.gelu,
  silu: smooth.silu,
  mish: smooth.mish,
  softplus: smooth.softplus,
  logSigmoid: smooth.logSigmoid,
  softsign: smooth.softsign,
  glu: smooth.glu,
  min: reduce.min,
  argMin: reduce.argMin,
  any: reduce.any,
  all: reduce.all,
  variance: norm.variance,
  std: norm.std,
  norm: norm.norm,
  prod: cumulative.prod,
  cumSum: cumulative.cumSum,
  cumProd: cumulative.cumProd,
  sort: sort.sort,
  argSort: sort.argSort,
  topK: sort.topK,
  takeAlong: along.takeAlong,
  scatterAddAlong: along.scatterAddAlong,
  indexSelect: along.indexSelect,
  scatterAdd: gather.scatterAdd,
  at: join.at,
  split: join.split,
  chunk: join.chunk,
  unstack: join.unstack,
  tile: join.tile,
  repeatInterleave: join.repeatInterleave,
  flip: flip.flip,
  roll: flip.roll,
  tril: diagonal.tril,
  triu: diagonal.triu,
  diag: diagonal.diag,
  diagonal: diagonal.diagonal,
  trace: diagonal.trace,
  outer: products.outer,
  dot: products.dot,
  solve: solve.solve,
  inverse: solve.inverse,
  layerNorm: normalisation.layerNorm,
  rmsNorm: normalisation.rmsNorm,
  groupNorm: normalisation.groupNorm,
  dropout: dropout.dropout,
  detach: stopGradient,
};

type Method<F> = F extends (first: never, ...rest: infer R) => infer Result ? (...rest: R) => Result : never;
type Fluent = {
  [K in keyof typeof methods]: Method<(typeof methods)[K]>;
};

/** Nested lists of numbers, as deep as the tensor has axes. */
export type NestedArray = number | NestedArray[];

declare module './tensor.js' {
  interface Tensor<A> extends Fluent {
    /** Computes the value, off the main thread. The array is the caller's own. */
    data(): Promise<TypedArray>;
    /** The value of a tensor with one element. */
    item(): Promise<number>;
    /** The value as nested arrays. */
    toArray(): Promise<NestedArray>;
    /** The value as another dtype. */
    to(dtype: DType): Tensor;
  }
}

for (const [name, fn] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: unknown[]) {
      return (fn as (...args: unknown[]) => unknown)(this, ...rest);
    },
  });
}

Tensor.prototype.to = function to(dtype) {
  return elementwise.cast(this, dtype);
};

Tensor.prototype.data = async function data() {
  const [value] = await evaluator()([this]);
  return value as TypedArray;
};

Tensor.prototype.item = async function item() {
  if (this.size !== 1) throw invalid('item', 'the tensor must have one element', this.shape);
  const [value] = await this.data();
  return value as number;
};

Tensor.prototype.toArray = async function toArray() {
  const data = await this.data();
  const strides = contiguousStrides(this.shape);
  const nest = (axis: number, offset: number): NestedArray =>
    axis === this.ndim
      ? (data[offset] as number)
      : Array.from({ length: this.shape[axis] as number }, (_, i) =>
          nest(axis + 1, offset + i * (strides[axis] as number)),
        );
  return nest(0, 0);
};
