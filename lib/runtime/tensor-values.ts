import type { TypedArray } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import { contiguousStrides } from '../graph/shapes.js';
import { Tensor } from '../graph/tensor.js';
import { evaluate } from './evaluate.js';

/** Nested lists of numbers, as deep as the tensor has axes. */
export type NestedArray = number | NestedArray[];

/** Methods of tensors that compute values. */
export interface TensorValues {
  /** Computes the value, off the main thread. The array belongs to the caller. */
  data(): Promise<TypedArray>;
  /** The value of a tensor with one element. */
  item(): Promise<number>;
  /** The value as nested arrays. */
  toArray(): Promise<NestedArray>;
}

declare module '../graph/tensor.js' {
  interface Tensor<A> extends TensorValues {}
}

Tensor.prototype.data = async function data() {
  const [value] = await evaluate([this]);
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
