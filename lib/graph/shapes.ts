import { at } from './at.js';
import { formatShape, invalid } from './errors.js';

/** Dimensions of a tensor, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** The number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

/** Row-major strides, in elements. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= at(shape, axis);
  }
  return strides;
}

/** The shape that both shapes broadcast to (NumPy's rule); null if there is none. */
export function commonShape(a: Shape, b: Shape): Shape | null {
  const rank = Math.max(a.length, b.length);
  const result = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return null;
    result[i] = left === 1 ? right : left;
  }
  return result;
}

/** As `commonShape`. Throws an error that names `op` if there is none. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  const common = commonShape(a, b);
  if (common) return common;
  throw invalid(op, `shapes do not broadcast, ${formatShape(a)} and ${formatShape(b)}`);
}

/** True if `shape` broadcasts to `to` without changing it. */
export function broadcastsTo(shape: Shape, to: Shape): boolean {
  return sameShape(commonShape(shape, to) ?? [], to);
}

/**
 * Normalises axes, which may be negative or undefined (all axes), to a sorted list. Throws when two are equal. Of a scalar,
 * axis 0 or -1 is none, as in PyTorch.
 */
export function normaliseAxes(
  op: string,
  axes: number | readonly number[] | undefined,
  rank: number,
): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const list = typeof axes === 'number' ? [axes] : axes;
  const result = list.map((axis) => normaliseAxis(op, axis, rank || 1)).sort((a, b) => a - b);
  if (new Set(result).size !== result.length) throw invalid(op, 'axes must differ', list);
  return rank === 0 ? [] : result;
}

/** Normalises an axis; a negative one counts from the end. */
export function normaliseAxis(op: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw invalid(op, `axis must be an integer from ${-rank} to ${rank - 1}`, axis);
  }
  return axis < 0 ? axis + rank : axis;
}

/** Checks that every dimension is a non-negative integer and that the size is a safe integer. */
export function requireShape(op: string, shape: Shape): Shape {
  for (const dimension of shape) {
    if (!Number.isInteger(dimension) || dimension < 0) {
      throw invalid(op, 'shape must hold non-negative integers', shape);
    }
  }
  if (!Number.isSafeInteger(sizeOf(shape))) throw invalid(op, 'shape is too large', shape);
  return shape;
}
