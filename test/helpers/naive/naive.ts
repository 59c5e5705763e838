import type { Shape } from 'chainrule';

/** A value in plain numbers, as the references take and give them. */
export interface Plain {
  readonly shape: Shape;
  readonly data: readonly number[];
}

/** Indices of all elements of a shape, in row-major order. */
export function* indices(shape: Shape): Generator<number[]> {
  const count = shape.reduce((a, b) => a * b, 1);
  for (let flat = 0; flat < count; flat++) {
    const index = new Array<number>(shape.length);
    let rest = flat;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const size = shape[axis] as number;
      index[axis] = rest % size;
      rest = Math.floor(rest / size);
    }
    yield index;
  }
}

/** The element at an index; axes of length 1 repeat, and missing leading axes are ignored. */
export function at({ shape, data }: Plain, index: readonly number[]): number {
  const added = index.length - shape.length;
  let flat = 0;
  shape.forEach((size, axis) => {
    flat = flat * size + (size === 1 ? 0 : (index[axis + added] as number));
  });
  return data[flat] as number;
}

/** A value of the given shape, element by element. */
export function build(shape: Shape, element: (index: readonly number[]) => number): Plain {
  return { shape, data: [...indices(shape)].map(element) };
}

/** NumPy's broadcasting of shapes that are known to fit. */
export function broadcastShape(...shapes: readonly Shape[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    return sizes.find((size) => size !== 1) ?? 1;
  });
}

/** An element-wise function of broadcast operands. */
export function mapPlain(f: (...values: number[]) => number, ...operands: readonly Plain[]): Plain {
  const shape = broadcastShape(...operands.map((x) => x.shape));
  return build(shape, (index) => f(...operands.map((x) => at(x, index))));
}

/** Reduces some axes, which vanish. */
export function reducePlain(x: Plain, axes: readonly number[], f: (values: number[]) => number): Plain {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const inner = axes.map((axis) => x.shape[axis] as number);
  return build(
    kept.map((axis) => x.shape[axis] as number),
    (index) =>
      f(
        [...indices(inner)].map((reduced) => {
          const full = new Array<number>(x.shape.length);
          kept.forEach((axis, i) => {
            full[axis] = index[i] as number;
          });
          axes.forEach((axis, i) => {
            full[axis] = reduced[i] as number;
          });
          return at(x, full);
        }),
      ),
  );
}

export const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Two last axes swapped. */
export function transposePlain(x: Plain): Plain {
  const swap = <T>(list: readonly T[]): T[] => [...list.slice(0, -2), list.at(-1) as T, list.at(-2) as T];
  return build(swap(x.shape), (index) => at(x, swap(index)));
}

/** The product of matrices whose leading axes broadcast. */
export function matmulPlain(a: Plain, b: Plain): Plain {
  const inner = a.shape.at(-1) as number;
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return build([...batch, a.shape.at(-2) as number, b.shape.at(-1) as number], (index) => {
    const [row, column] = index.slice(-2) as [number, number];
    const lead = index.slice(0, -2);
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += at(a, [...lead, row, k]) * at(b, [...lead, k, column]);
    return sum;
  });
}
