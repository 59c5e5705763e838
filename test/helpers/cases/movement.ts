import * as cr from 'chainrule';
import { Tensor } from '#lib/graph/tensor.js';
import { scatterSliceOp } from '#lib/ops/primitives/movement.js';
import type { Fn } from '../check-op.js';
import { at, build, type Plain, total, transposePlain } from '../naive/naive.js';
import type { OpCase, OpCases } from './elementwise.js';

const on = (f: (x: Tensor) => Tensor): Fn => f as Fn;

const expansions: [cr.Shape, cr.Shape][] = [
  [
    [3, 1],
    [3, 5],
  ],
  [
    [1, 5],
    [3, 5],
  ],
  [[5], [2, 3, 5]],
  [[], [2, 3]],
  [
    [2, 1, 3],
    [2, 4, 3],
  ],
  [[1], [0]],
];

const reshaped = (from: cr.Shape, to: cr.Shape): OpCase => ({
  fn: on((x) => cr.reshape(x, to)),
  inputs: [from],
  options: { reference: ({ data }) => ({ shape: to, data }) },
});

const permuted = (shape: cr.Shape, axes: readonly number[]): OpCase => ({
  fn: on((x) => cr.permute(x, axes)),
  inputs: [shape],
  options: {
    reference: (x) =>
      build(
        axes.map((axis) => shape[axis] as number),
        (index) => {
          const source = new Array<number>(index.length);
          axes.forEach((axis, i) => {
            source[axis] = index[i] as number;
          });
          return at(x, source);
        },
      ),
  },
});

const sliced = (
  shape: cr.Shape,
  ranges: readonly cr.Range[],
  to: cr.Shape,
  start: number[],
  step: number[],
): OpCase => ({
  fn: on((x) => cr.slice(x, ranges)),
  inputs: [shape],
  options: {
    reference: (x) =>
      build(to, (index) =>
        at(
          x,
          index.map((i, axis) => (start[axis] as number) + i * (step[axis] as number)),
        ),
      ),
  },
});

const scattered = (
  shape: cr.Shape,
  start: number[],
  end: number[],
  step: number[],
  from: cr.Shape,
): OpCase => ({
  fn: on((x) => new Tensor(scatterSliceOp, [x], { shape, start, end, step })),
  inputs: [from],
  options: {
    reference: (x) =>
      build(shape, (index) => {
        const source = index.map((i, axis) => (i - (start[axis] as number)) / (step[axis] as number));
        const inside = source.every((i, axis) => Number.isInteger(i) && i >= 0 && i < (from[axis] as number));
        return inside ? at(x, source) : 0;
      }),
  },
});

const padded = (shape: cr.Shape, widths: [number, number][], value?: number): OpCase => ({
  fn: on((x) => cr.pad(x, widths, value)),
  inputs: [shape],
  options: {
    reference: (x) =>
      build(
        shape.map((size, axis) => size + (widths[axis]?.[0] ?? 0) + (widths[axis]?.[1] ?? 0)),
        (index) => {
          const source = index.map((i, axis) => i - (widths[axis]?.[0] ?? 0));
          const inside = source.every((i, axis) => i >= 0 && i < (shape[axis] as number));
          return inside ? at(x, source) : (value ?? 0);
        },
      ),
  },
});

function concatenated(shapes: readonly cr.Shape[], axis: number): OpCase {
  const along = axis < 0 ? axis + (shapes[0] as cr.Shape).length : axis;
  return {
    fn: (...xs) => cr.concat(xs, axis),
    inputs: shapes,
    options: {
      reference: (...xs) => {
        const length = total(shapes.map((shape) => shape[along] as number));
        const shape = (shapes[0] as cr.Shape).map((size, i) => (i === along ? length : size));
        return build(shape, (index) => {
          let i = index[along] as number;
          let part = 0;
          while (i >= (shapes[part]?.[along] as number)) i -= shapes[part++]?.[along] as number;
          return at(
            xs[part] as Plain,
            index.map((v, axis) => (axis === along ? i : v)),
          );
        });
      },
    },
  };
}

export const movementCases: OpCases = {
  expand: expansions.map(([from, to]) => ({
    fn: on((x) => cr.expand(x, to)),
    inputs: [from],
    options: { reference: (x) => build(to, (index) => at(x, index)) },
  })),
  reshape: [
    reshaped([3, 4], [2, 6]),
    reshaped([6], [1, 2, 3]),
    reshaped([1], []),
    reshaped([0, 3], [3, 0]),
    {
      // Behind a transposition no strides express the result.
      fn: on((x) => cr.reshape(cr.transpose(x), [12])),
      inputs: [[3, 4]],
      options: { reference: (x) => ({ shape: [12], data: transposePlain(x).data }) },
    },
  ],
  permute: [
    permuted([3, 4], [1, 0]),
    permuted([2, 3, 4], [2, 0, 1]),
    permuted([2, 1, 3, 2], [3, 1, 0, 2]),
    permuted([0, 3], [1, 0]),
  ],
  slice: [
    sliced([7], [[2, 5]], [3], [2], [1]),
    sliced([7], [[1, 7, 3]], [2], [1], [3]),
    sliced([7], [[-3]], [3], [4], [1]),
    sliced([3, 5], [[], [0, 5, 2]], [3, 3], [0, 0], [1, 2]),
    sliced([2, 3, 4], [[1], [0, -1], [1, 3]], [1, 2, 2], [1, 0, 1], [1, 1, 1]),
    sliced([4, 3], [[2, 2]], [0, 3], [2, 0], [1, 1]),
  ],
  scatterSlice: [
    scattered([7], [2], [5], [1], [3]),
    scattered([7], [1], [7], [3], [2]),
    scattered([3, 5], [1, 0], [3, 5], [1, 2], [2, 3]),
    scattered([4], [2], [2], [1], [0]),
  ],
  pad: [
    padded([3], [[1, 2]]),
    padded(
      [2, 3],
      [
        [0, 1],
        [2, 0],
      ],
      1.5,
    ),
    padded(
      [1, 2, 1],
      [
        [1, 1],
        [0, 0],
        [3, 0],
      ],
      -1,
    ),
    padded([0], [[2, 1]], 7),
  ],
  concat: [
    concatenated([[3]], 0),
    concatenated(
      [
        [2, 3],
        [1, 3],
        [0, 3],
      ],
      0,
    ),
    concatenated(
      [
        [2, 3],
        [2, 1],
      ],
      1,
    ),
    concatenated(
      [
        [2, 1, 2],
        [2, 4, 2],
      ],
      -2,
    ),
  ],
};
