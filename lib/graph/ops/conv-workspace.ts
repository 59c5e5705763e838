import { bytesPerElement, type DType } from '../dtype.js';
import { type Shape, sizeOf } from '../shapes.js';

/** Scratch elements that a convolution kernel needs. */
export function convWorkspace(
  _kind: 'forward' | 'inputGrad' | 'weightGrad',
  _image: Shape,
  kernel: Shape,
  output: Shape,
  dtype: DType,
): number {
  const depth = sizeOf(kernel.slice(0, 3));
  const rows = Math.min(1024, Math.max(64, Math.floor(262144 / (depth * bytesPerElement(dtype)))));
  return Math.min(rows, sizeOf(output.slice(0, 3))) * depth;
}
