import type { DType, TypedArray } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import { evaluator } from '../graph/evaluator.js';
import { contiguousStrides } from '../graph/shapes.js';
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

/** Nested lists of numbers, as deep as the tensor has axes. */
export type NestedArray = number | NestedArray[];

declare module '../graph/tensor.js' {
  interface Tensor<A> extends Fluent {
    /** Computes the value, off the main thread. The array belongs to the caller. */
    data(): Promise<TypedArray>;
    /** The value of a tensor with one element. */
    item(): Promise<number>;
    /** The value as nested arrays. */
    toArray(): Promise<NestedArray>;
    /** The value converted to another dtype: `cast`. */
    to(dtype: DType): Tensor;
    /** The same value, through which no gradient flows: `stopGradient`. */
    detach(): Tensor;
  }
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

type FirstArgument<F> = F extends (first: infer T, ...rest: never) => unknown ? T : never;
type TakesTensor = { [K in keyof Ops]: Tensor extends FirstArgument<Ops[K]> ? K : never }[keyof Ops];

// A compile-time check that the list is neither too short nor too long.
functionsOnly satisfies Record<Exclude<keyof Ops, TakesTensor>, true>;
