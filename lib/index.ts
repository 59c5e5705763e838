import './nn/check-layers.js';
import './ops/fluent.js';
import './runtime/tensor-values.js';

export type { TensorFunction } from './autodiff/arguments.js';
export { checkpoint } from './autodiff/checkpoint.js';
export { grad } from './autodiff/grad.js';
export { hvp } from './autodiff/hvp.js';
export { hessian, jacobian } from './autodiff/jacobian.js';
export { jvp } from './autodiff/jvp.js';
export { type ValueAndGradients, type ValueAndGradOptions, valueAndGrad } from './autodiff/value-and-grad.js';
export { vjp } from './autodiff/vjp.js';
export * as data from './data/index.js';
export type { Culprit, Search } from './gradcheck/culprit.js';
export type { Comparison } from './gradcheck/differences.js';
export {
  type Disagreement,
  type GradcheckOptions,
  type GradcheckResult,
  gradcheck,
} from './gradcheck/gradcheck.js';
export type { Checkable, InputSpec } from './gradcheck/subject.js';
export type { DType, TypedArray } from './graph/dtype.js';
export type { ErrorCode } from './graph/error-codes.js';
export { ChainruleError } from './graph/errors.js';
export { arange, full, linspace, ones, tensor, Variable, zeros } from './graph/leaf.js';
export type { Shape } from './graph/shapes.js';
export { Tensor } from './graph/tensor.js';
export { assign } from './graph/trace.js';
export type { HealthThresholds } from './health/findings.js';
export { formatHealth } from './health/format-health.js';
export { type InspectOptions, inspect } from './health/inspect.js';
export type {
  Finding,
  FindingKind,
  HealthReport,
  LayerHealth,
  ParameterHealth,
  ReluHealth,
} from './health/report.js';
export * as metrics from './metrics/index.js';
export { type ChainLayer, checkpointSequential } from './nn/checkpoint-sequential.js';
export * as nn from './nn/index.js';
export type { TensorOps } from './ops/fluent.js';
export * from './ops/index.js';
export * as optim from './optim/index.js';
export {
  type DataParallelFunction,
  type DataParallelOptions,
  dataParallel,
} from './parallel/data-parallel/data-parallel.js';
export * as io from './port/index.js';
export { formatPlan } from './preflight/format-plan.js';
export { formatProfile } from './profile/format-profile.js';
export type {
  LayerWork,
  OpWork,
  Profile,
  ProfileParts,
  StepWork,
  TraceEvent,
  Work,
} from './profile/report.js';
export {
  type CompiledFunction,
  type CompileOptions,
  compile,
  type InferenceFunction,
} from './runtime/compile-function.js';
export { formatBytes, type MemoryBudget, type MemorySize } from './runtime/memory-size.js';
export type { NonFiniteOp } from './runtime/non-finite.js';
export type { NestedArray, TensorValues } from './runtime/tensor-values.js';
export * as callbacks from './train/callbacks/index.js';
export * from './train/index.js';
