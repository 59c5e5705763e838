import { bytesPerElement, type DType } from '../../graph/dtype.js';
import type { Layout } from '../../graph/op.js';
import type { CheckpointScope } from '../../graph/scope.js';
import { contiguousStrides, type Shape, sameShape, sizeOf } from '../../graph/shapes.js';

/** A buffer in the arena that has no offset yet. */
export interface ArenaBuffer {
  readonly kind: 'arena';
  readonly id: number;
  readonly bytes: number;
  /** The checkpoint scope of its value, which is recomputed for gradients rather than kept. */
  readonly scope?: CheckpointScope;
}

/** The memory of a value before the arena is laid out. */
export type Buffer = ArenaBuffer | { readonly kind: 'binding'; readonly index: number };

/** A strided view of a buffer. */
export interface Value {
  readonly buffer: Buffer;
  readonly layout: Layout;
  readonly dtype: DType;
}

/** The layout of a value that fills its buffer in row-major order. */
export function contiguous(shape: Shape): Layout {
  return { offset: 0, shape, strides: contiguousStrides(shape) };
}

/** True if the layout visits adjacent elements in row-major order. */
export function isContiguous({ shape, strides }: Layout): boolean {
  const expected = contiguousStrides(shape);
  return sizeOf(shape) === 0 || shape.every((d, axis) => d === 1 || strides[axis] === expected[axis]);
}

/** Alignment of buffers in the arena, in bytes: a cache line, and the widest vector registers. */
const ALIGNMENT = 64;

export function alignedBytes(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** True if the value fills its buffer of `bytes` in row-major order. */
export function fillsBuffer(value: Value, bytes: number): boolean {
  const { layout, dtype } = value;
  return (
    layout.offset === 0 && isContiguous(layout) && sizeOf(layout.shape) * bytesPerElement(dtype) === bytes
  );
}

export function sameLayout(a: Layout, b: Layout): boolean {
  return a.offset === b.offset && sameShape(a.shape, b.shape) && sameShape(a.strides, b.strides);
}

/**
 * The layout of a batch of matrices with one of the last two strides equal to 1, as BLAS reads them; null if a copy
 * is needed first.
 */
export function matrixLayout(layout: Layout): Layout | null {
  const [rows, columns] = layout.shape.slice(-2) as [number, number];
  let [rowStride, columnStride] = layout.strides.slice(-2) as [number, number];
  if (columns === 1) columnStride = 1;
  if (rows === 1) rowStride = columnStride === 1 ? columns : 1;
  const rowMajor = columnStride === 1 && rowStride >= columns;
  const columnMajor = rowStride === 1 && columnStride >= rows;
  if (!rowMajor && !columnMajor) return null;
  if (layout.strides.some((stride) => stride < 0)) return null;
  return { ...layout, strides: [...layout.strides.slice(0, -2), rowStride, columnStride] };
}

/** The layout of a batch of matrices with contiguous rows; null if a copy is needed first. */
export function rowMajorLayout(layout: Layout): Layout | null {
  const matrices = matrixLayout(layout);
  const [rowStride = 0, columnStride] = matrices?.strides.slice(-2) ?? [];
  return columnStride === 1 && rowStride >= (layout.shape.at(-1) ?? 0) ? matrices : null;
}
