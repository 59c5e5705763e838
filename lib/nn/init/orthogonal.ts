import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { drawNormal } from './draw.js';
import type { Initialiser } from './initializer.js';
import { made, maker } from './made.js';
import { asMatrix, written } from './matrix.js';

/**
 * A random (semi-)orthogonal matrix times `factor` (Saxe et al. 2014), as `torch.nn.init.orthogonal_`: the rows of
 * the weight are orthonormal if it has more columns than rows, else its columns. A convolution kernel has a row for
 * each output. The matrix is the Q of a QR decomposition in float64, with the signs that make it uniform over all
 * orthogonal matrices (Mezzadri 2007). Computed in JavaScript: about two seconds for 1024 x 1024.
 */
export const orthogonal = maker('orthogonal', { gain: optional(kinds.finite) }, (factor = 1): Initialiser => {
  return made('orthogonal', (shape, context) => {
    const { rows, columns, place } = asMatrix('orthogonal', shape);
    const [long, short] = [Math.max(rows, columns), Math.min(rows, columns)];
    const q = orthonormalColumns(drawNormal(long * short, context), long, short);
    return written(shape, context, (data) => {
      for (let column = 0; column < short; column++) {
        for (let row = 0; row < long; row++) {
          const offset = rows < columns ? place(column, row) : place(row, column);
          data[offset] = factor * (q[column * long + row] as number);
        }
      }
    });
  });
});

/**
 * The Q, with `columns` columns, of a Householder QR decomposition whose R has a positive diagonal.
 *
 * @param a the columns in sequence, `rows` numbers each, at least as many as there are columns; overwritten
 */
function orthonormalColumns(a: Float64Array, rows: number, columns: number): Float64Array {
  const reflectors: Float64Array[] = [];
  const signs: number[] = [];
  for (let k = 0; k < columns; k++) {
    const column = a.subarray(k * rows + k, (k + 1) * rows);
    const norm = Math.sqrt(dot(column, column));
    const head = at(column, 0);
    // Opposite in sign to the head, against cancellation; `signs` then makes R's diagonal positive.
    const diagonal = head > 0 ? -norm : norm;
    const reflector = column.slice();
    reflector[0] = head - diagonal;
    const length = Math.sqrt(dot(reflector, reflector));
    for (let i = 0; i < reflector.length; i++) reflector[i] = (reflector[i] as number) / length;
    for (let j = k + 1; j < columns; j++) reflect(a.subarray(j * rows + k, (j + 1) * rows), reflector);
    reflectors.push(reflector);
    signs.push(Math.sign(diagonal));
  }
  const q = new Float64Array(rows * columns);
  for (let j = 0; j < columns; j++) {
    const column = q.subarray(j * rows, (j + 1) * rows);
    column[j] = at(signs, j);
    for (let k = j; k >= 0; k--) reflect(column.subarray(k), at(reflectors, k));
  }
  return q;
}

/** Reflects `x` in the hyperplane orthogonal to a unit vector. */
function reflect(x: Float64Array, reflector: Float64Array): void {
  const twice = 2 * dot(x, reflector);
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) - twice * (reflector[i] as number);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
