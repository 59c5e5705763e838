import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { type DType, isFloat } from '../../graph/dtype.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { arange } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { sum } from '../primitives/broadcast.js';
import { add, cast, eq, ge, le, where } from '../primitives/elementwise.js';
import { pad, reshape, slice, unsqueeze } from '../primitives/movement.js';

function requireMatrix(op: string, x: Tensor): [number, number] {
  if (x.ndim < 2) throw invalid(op, 'needs at least two axes', formatShape(x.shape));
  return x.shape.slice(-2) as [number, number];
}

/** Compares the column of each element with its row plus `offset`, in a dtype that fuses with operations on `dtype`. */
function places(
  [rows, columns]: [number, number],
  dtype: DType,
  offset: number,
  compare: (column: Tensor, row: Tensor) => Tensor,
): Tensor {
  const like = isFloat(dtype) ? dtype : 'float32';
  return compare(arange(columns, like), unsqueeze(add(arange(rows, like), offset), 1));
}

/** The last two axes with zeros above a diagonal, which lies `diagonal` places above the main one; as `torch.tril`. */
export const tril = checked(
  'tril',
  { x: kinds.tensor, diagonal: optional(kinds.axis) },
  (x: Tensor, diagonal = 0): Tensor => {
    const size = requireMatrix('tril', x);
    return where(places(size, x.dtype, diagonal, le), x, 0);
  },
);

/** The last two axes with zeros below a diagonal, which lies `diagonal` places above the main one; as `torch.triu`. */
export const triu = checked(
  'triu',
  { x: kinds.tensor, diagonal: optional(kinds.axis) },
  (x: Tensor, diagonal = 0): Tensor => {
    const size = requireMatrix('triu', x);
    return where(places(size, x.dtype, diagonal, ge), x, 0);
  },
);

/** A matrix with ones on the main diagonal and zeros elsewhere. */
export const eye = checked(
  'eye',
  { rows: kinds.index, columns: optional(kinds.index), dtype: optional(kinds.dtype) },
  (rows: number, columns = rows, dtype: DType = 'float32'): Tensor =>
    cast(places([rows, columns], dtype, 0, eq), dtype),
);

/** A diagonal of the last two axes, `offset` places above the main one, as a new last axis; as `torch.diagonal`. */
export const diagonal = checked(
  'diagonal',
  { x: kinds.tensor, offset: optional(kinds.axis) },
  (x: Tensor, offset = 0): Tensor => {
    const [rows, columns] = requireMatrix('diagonal', x);
    const count = Math.max(
      0,
      offset >= 0 ? Math.min(rows, columns - offset) : Math.min(rows + offset, columns),
    );
    const flat = reshape(x, [...x.shape.slice(0, -2), rows * columns]);
    const start = count === 0 ? 0 : offset >= 0 ? offset : -offset * columns;
    const end = count === 0 ? 0 : start + (count - 1) * (columns + 1) + 1;
    return slice(flat, [
      ...x.shape.slice(0, -2).map((d): [number, number] => [0, d]),
      [start, end, columns + 1],
    ]);
  },
);

/**
 * A square matrix with a vector on a diagonal and zeros elsewhere, or the diagonal of a matrix, as `torch.diag`.
 *
 * @param offset number of places from the main diagonal up to this one
 */
export const diag = checked(
  'diag',
  { x: kinds.tensor, offset: optional(kinds.axis) },
  (x: Tensor, offset = 0): Tensor => {
    if (x.ndim === 2) return diagonal(x, offset);
    if (x.ndim !== 1) throw invalid('diag', 'needs a vector or a matrix', formatShape(x.shape));
    const side = x.size + Math.abs(offset);
    // A row's length of zeros after each element puts the next one on the diagonal.
    const spread = pad(unsqueeze(x, 1), [
      [0, 0],
      [0, side],
    ]);
    const before = offset >= 0 ? offset : -offset * side;
    const kept = Math.min(spread.size, side * side - before);
    const line = slice(reshape(spread, [spread.size]), [[0, kept]]);
    return reshape(pad(line, [[before, side * side - before - kept]]), [side, side]);
  },
);

/** The sum of the main diagonal of the last two axes. */
export const trace = checked('trace', { x: kinds.tensor }, (x: Tensor): Tensor => {
  requireMatrix('trace', x);
  return sum(diagonal(x), -1);
});
