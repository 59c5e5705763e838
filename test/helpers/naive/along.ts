import { at, build, indices, matmulPlain, type Plain } from './naive.js';

/** The elements along an axis through a place of the others. */
export function lineOf(x: Plain, axis: number, index: readonly number[]): number[] {
  return Array.from({ length: x.shape[axis] as number }, (_, i) => at(x, index.with(axis, i)));
}

/** NaN is above every number. */
const above = (a: number, b: number) => a > b || (Number.isNaN(a) && !Number.isNaN(b));

/** The indices that sort each line, the earlier of equals first. */
export function argSortPlain(x: Plain, axis: number, descending: boolean, count: number): Plain {
  return build(x.shape.with(axis, count), (index) => {
    const line = lineOf(x, axis, index);
    const order = line.map((_, i) => i);
    order.sort((i, j) => {
      const [p, q] = [line[i] as number, line[j] as number];
      if (above(p, q) || above(q, p)) return above(p, q) !== descending ? 1 : -1;
      return i - j;
    });
    return order[index[axis] as number] as number;
  });
}

export function takeAlongPlain(x: Plain, places: Plain, axis: number): Plain {
  return build(places.shape, (index) => at(x, index.with(axis, at(places, index))));
}

export function scatterAddAlongPlain(places: Plain, updates: Plain, axis: number, length: number): Plain {
  return build(places.shape.with(axis, length), (target) => {
    let sum = 0;
    for (const index of indices(places.shape)) {
      const lands = index.with(axis, at(places, index)).every((v, i) => v === target[i]);
      if (lands) sum += at(updates, index);
    }
    return sum;
  });
}

/** f of the elements up to each one. */
export function scanPlain(x: Plain, axis: number, f: (values: number[]) => number): Plain {
  return build(x.shape, (index) => f(lineOf(x, axis, index).slice(0, (index[axis] as number) + 1)));
}

/** The determinant by expansion along the first row. */
function determinant(matrix: readonly (readonly number[])[]): number {
  if (matrix.length === 0) return 1;
  const [first = [], ...rest] = matrix;
  return first.reduce(
    (sum, value, j) =>
      sum + (j % 2 ? -1 : 1) * value * determinant(rest.map((row) => row.filter((_, k) => k !== j))),
    0,
  );
}

/** The inverses of matrices by Cramer's rule. */
export function inversePlain(x: Plain): Plain {
  const n = x.shape.at(-1) as number;
  return build(x.shape, (index) => {
    const lead = index.slice(0, -2);
    const [row, column] = index.slice(-2) as [number, number];
    const matrix = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (__, j) => at(x, [...lead, i, j])),
    );
    const minor = matrix.filter((_, i) => i !== column).map((line) => line.filter((_, j) => j !== row));
    return (((row + column) % 2 ? -1 : 1) * determinant(minor)) / determinant(matrix);
  });
}

export const solvePlain = (a: Plain, b: Plain): Plain => matmulPlain(inversePlain(a), b);
