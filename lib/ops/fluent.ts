import type { DType } from '../graph/dtype.js';
import { Tensor } from '../graph/tensor.js';
import * as ops from './index.js';

// Every op whose first argument is a tensor is a method: `x.relu()` for `relu(x)`.

type Ops = typeof ops;

/** The ops whose first argument is not a tensor, or that have none. */
const functionsOnly = {
  concat: true,
  customGradient: true,
  einsum: true,
  eye: true,
  normal: true,
  scan: true,
  sinusoidalEncoding: true,
  stack: true,
  uniform: true,
} as const;

type Method<F> = F extends (first: never, ...rest: infer R) => infer Result ? (...rest: R) => Result : never;
type Fluent = {
  [K in Exclude<keyof Ops, keyof typeof functionsOnly>]: Method<Ops[K]>;
};

/** Methods of tensors: every op whose first argument is a tensor, as `x.relu()` for `relu(x)`. */
export interface TensorOps extends Fluent {
  /** The value converted to another dtype: `cast`. */
  to(dtype: DType): Tensor;
  /** The same value, through which no gradient flows: `stopGradient`. */
  detach(): Tensor;
}

declare module '../graph/tensor.js' {
  interface Tensor<A> extends TensorOps {}
}

for (const [name, fn] of Object.entries(ops)) {
  if (name in functionsOnly) continue;
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: unknown[]) {
      return (fn as (...args: unknown[]) => unknown)(this, ...rest);
    },
  });
}

Tensor.prototype.to = function to(dtype) {
  return ops.cast(this, dtype);
};

Tensor.prototype.detach = function detach() {
  return ops.stopGradient(this);
};

type FirstArgument<F> = F extends (first: infer T, ...rest: never) => unknown ? T : never;
type TakesTensor = { [K in keyof Ops]: Tensor extends FirstArgument<Ops[K]> ? K : never }[keyof Ops];

// A compile-time check that the list is neither too short nor too long.
functionsOnly satisfies Record<Exclude<keyof Ops, TakesTensor>, true>;
