import './graph/fluent.js';
import './runtime/evaluate.js';

export { grad } from './autodiff/grad.js';
export * as data from './data/index.js';
export type { DType, TypedArray } from './graph/dtype.js';
export { ChainruleError } from './graph/errors.js';
export { arange, full, ones, tensor, Variable, zeros } from './graph/ops/leaf.js';
export * from './graph/ops/public.js';
export type { Shape } from './graph/shapes.js';
export { Tensor } from './graph/tensor.js';
export { assign } from './graph/trace.js';
export * as io from './io/index.js';
export * as nn from './nn/index.js';
export * as optim from './optim/index.js';
export { type CompiledFunction, compile } from './runtime/compile-function.js';
export * from './train/index.js';
