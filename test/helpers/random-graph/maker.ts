import type { Tensor } from 'chainrule';

export type Float = 'float32' | 'float64';

export interface Entry {
  readonly x: Tensor;
  /** No element is further from 0. Keeps rounding errors small. */
  readonly bound: number;
  /** True if float32 holds every element exactly, so that comparisons do not depend on the arithmetic. */
  readonly exact: boolean;
}

export type Test = (entry: Entry) => boolean;

/** Context of an op: the entries so far, and a number to choose details by. */
export interface Scene {
  readonly dtype: Float;
  readonly c: number;
  readonly leaves: readonly Tensor[];
  readonly a: (test?: Test) => Entry | undefined;
  readonly b: (test?: Test) => Entry | undefined;
}

export type Unary = (x: Tensor, c: number) => Tensor;
export type Binary = (a: Tensor, b: Tensor, c: number) => Tensor;
export type Maker = (scene: Scene) => Entry | undefined;

/** `bound` is of the result, given those of the operands. */
export const unary =
  (fn: Unary, bound: (bound: number) => number, exact = false, test?: Test): Maker =>
  ({ a, c }) => {
    const entry = a(test);
    return entry && { x: fn(entry.x, c), bound: bound(entry.bound), exact: exact && entry.exact };
  };

export const binary =
  (fn: Binary, bound: (a: number, b: number) => number, exact = false): Maker =>
  ({ a, b, c }) => {
    const left = a();
    const right = left && b((other) => other.x.dtype === left.x.dtype && broadcasts(left.x, other.x));
    if (!left || !right) return undefined;
    return {
      x: fn(left.x, right.x, c),
      bound: bound(left.bound, right.bound),
      exact: exact && left.exact && right.exact,
    };
  };

export function broadcasts(a: Tensor, b: Tensor): boolean {
  return [1, 2, 3, 4].every((i) => {
    const [left = 1, right = 1] = [a.shape.at(-i), b.shape.at(-i)];
    return left === right || left === 1 || right === 1;
  });
}

export const same = (bound: number) => bound;
export const one = () => 1;
export const axesOf = (x: Tensor, c: number) =>
  x.shape.map((_, axis) => axis).filter((axis) => (c >> axis) & 1);
export const exactFloat: Test = ({ x, exact }) => exact && (x.dtype === 'float32' || x.dtype === 'float64');
export const notEmpty: Test = ({ x }) =>
  x.size > 0 && x.ndim > 0 && (x.dtype === 'float32' || x.dtype === 'float64');
export const matrices: Test = (entry) => notEmpty(entry) && entry.x.ndim >= 2;
export const images: Test = (entry) => {
  const { shape } = entry.x;
  return notEmpty(entry) && shape.length === 4 && (shape[1] as number) >= 2 && (shape[2] as number) >= 2;
};
