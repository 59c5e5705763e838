import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { allocate, type DType, isFloat } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import { constant } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { requireFloat } from '../primitives/checks.js';
import { add, mul, sub } from '../primitives/elementwise.js';
import { concat, type Range, reshape, slice, unsqueeze } from '../primitives/movement.js';
import { type RotaryOptions, rotaryOptions } from './positional-options.js';

/**
 * The sines and cosines of positions 0 to `length - 1` at wavelengths from `2 pi` to `2 pi * 10000` (Vaswani et al.
 * 2017): feature `2 i` is `sin(position / 10000 ** (2 i / features))`, feature `2 i + 1` its cosine.
 *
 * @returns a constant [length, features]
 */
export const sinusoidalEncoding = checked(
  'sinusoidalEncoding',
  { length: kinds.index, features: kinds.count, dtype: optional(kinds.dtype) },
  (length: number, features: number, dtype: DType = 'float32'): Tensor => {
    return table('sinusoidalEncoding', length, features, dtype, (position, feature) => {
      const angle = position / 10000 ** ((feature - (feature % 2)) / features);
      return feature % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    });
  },
);

/**
 * Rotates pairs of features by angles that grow with the position, so that products of queries and keys depend on
 * their distance (Su et al. 2021): pair `i` of position `m` is rotated by `m / base ** (2 i / D)`.
 *
 * @param x [..., T, D], floats; D is even
 */
export const rotaryEmbedding = checked(
  'rotaryEmbedding',
  { x: kinds.tensor, options: optional(rotaryOptions) },
  (x: Tensor, options: RotaryOptions = {}): Tensor => {
    const op = 'rotaryEmbedding';
    const { base = 10000, offset = 0, interleaved = true } = options;
    requireFloat(op, x);
    const [length = 0, features = 1] = x.shape.slice(-2);
    if (x.ndim < 2 || features % 2 !== 0) {
      throw invalid(op, 'input must be [..., T, D] with an even D', x.shape);
    }
    const half = features / 2;
    const angle = (position: number, pair: number) => (position + offset) / base ** (pair / half);
    const cosine = table(op, length, half, x.dtype, (position, pair) => Math.cos(angle(position, pair)));
    const sine = table(op, length, half, x.dtype, (position, pair) => Math.sin(angle(position, pair)));
    const part = (range: Range) => slice(x, [...x.shape.slice(1).map((): Range => []), range]);
    const first = part(interleaved ? [0, features, 2] : [0, half]);
    const second = part(interleaved ? [1, features, 2] : [half, features]);
    const turned = [sub(mul(first, cosine), mul(second, sine)), add(mul(second, cosine), mul(first, sine))];
    if (!interleaved) return concat(turned, -1);
    return reshape(
      concat(
        turned.map((y) => unsqueeze(y, -1)),
        -1,
      ),
      x.shape,
    );
  },
);

/** A constant [rows, columns], from a formula. */
function table(
  op: string,
  rows: number,
  columns: number,
  dtype: DType,
  element: (row: number, column: number) => number,
): Tensor {
  if (!isFloat(dtype)) throw invalid(op, 'dtype must be float32 or float64', dtype);
  const data = allocate(dtype, rows * columns);
  for (let i = 0; i < data.length; i++) data[i] = element(Math.floor(i / columns), i % columns);
  return constant(data, [rows, columns], dtype);
}
