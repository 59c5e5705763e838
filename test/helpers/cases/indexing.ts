import * as cr from 'chainrule';
import { Tensor } from '#lib/graph/tensor.js';
import { scatterAddAlongOp } from '#lib/ops/primitives/along.js';
import {
  argSortPlain,
  lineOf,
  scanPlain,
  scatterAddAlongPlain,
  solvePlain,
  takeAlongPlain,
} from '../naive/along.js';
import { at, build, type Plain, total } from '../naive/naive.js';
import { hashIntegers } from '../random-graph/random.js';
import type { OpCase, OpCases } from './elementwise.js';

const along: [cr.Shape, number][] = [
  [[7], 0],
  [[1], 0],
  [[3, 5], 0],
  [[3, 5], 1],
  [[2, 9, 3], 1],
  [[0, 3], 1],
  [[4, 33], 1],
];

const places = (shape: cr.Shape, below: number): Plain => ({
  shape,
  data: hashIntegers(
    shape.reduce((a, b) => a * b, 1),
    7,
    below,
  ),
});
const integers = ({ shape, data }: Plain): Tensor => cr.tensor(Int32Array.from(data), { shape });

const least = (x: Plain, axis: number): Plain => {
  const first = build(x.shape.with(axis, 1), (index) => {
    const line = lineOf(x, axis, index);
    return line.indexOf(Math.min(...line));
  });
  return { ...first, shape: x.shape.filter((_, i) => i !== axis) };
};

const picks: [cr.Shape, number, number][] = [
  [[5], 0, 3],
  [[4, 3], 0, 6],
  [[4, 3], 1, 2],
  [[2, 3, 4], 1, 5],
  [[1], 0, 1],
  [[3, 2], 1, 0],
];

function flipped(shape: cr.Shape, axes: readonly number[]): OpCase {
  const reference = (x: Plain) =>
    build(shape, (index) =>
      at(
        x,
        index.map((v, i) => (axes.includes(i) ? (shape[i] as number) - 1 - v : v)),
      ),
    );
  return { fn: (x) => cr.flip(x as Tensor, axes), inputs: [shape], options: { reference } };
}

/** Far enough from singular for differences to be exact: the diagonal is added to. */
const solved = (batch: cr.Shape, n: number, k: number): OpCase => {
  const shift = (n + 2) * 2;
  return {
    fn: (a, b) => {
      const dtype = (a as Tensor).dtype as 'float64';
      return cr.solve(cr.add(a as Tensor, cr.eye(n, n, dtype).mul(shift)), b as Tensor);
    },
    inputs: [
      [...batch, n, n],
      [...batch, n, k],
    ],
    options: {
      reference: (a, b) => {
        const moved = build(a.shape, (index) => at(a, index) + (index.at(-1) === index.at(-2) ? shift : 0));
        return solvePlain(moved, b);
      },
    },
  };
};

/** Ops that order, pick and accumulate along an axis, and the linear solver. */
export const indexingCases: OpCases = {
  argMin: along.map(([shape, axis]) => ({
    fn: (x) => cr.argMin(x as Tensor, axis),
    inputs: [shape],
    options: { gradient: false, reference: (x) => least(x, axis) },
  })),
  argSort: along.flatMap(([shape, axis]) =>
    [true, false].map((descending) => ({
      fn: (x) => cr.argSort(x as Tensor, axis, { descending }),
      inputs: [shape],
      options: {
        gradient: false,
        reference: (x) => argSortPlain(x, axis, descending, shape[axis] as number),
      },
    })),
  ),
  cumSum: along.map(([shape, axis]) => ({
    fn: (x) => cr.cumSum(x as Tensor, axis),
    inputs: [shape],
    options: { reference: (x) => scanPlain(x, axis, total) },
  })),
  takeAlong: picks.map(([shape, axis, count]) => {
    const chosen = places(shape.with(axis, count), shape[axis] as number);
    return {
      fn: (x) => cr.takeAlong(x as Tensor, integers(chosen), axis),
      inputs: [shape],
      options: { reference: (x) => takeAlongPlain(x, chosen, axis) },
    };
  }),
  scatterAddAlong: picks.map(([shape, axis, count]) => {
    const length = shape[axis] as number;
    const chosen = places(shape.with(axis, count), length);
    return {
      fn: (x) =>
        new Tensor(scatterAddAlongOp, [integers(chosen), x as Tensor], { name: 'test', axis, length }),
      inputs: [chosen.shape],
      options: { reference: (x) => scatterAddAlongPlain(chosen, x, axis, length) },
    };
  }),
  flip: [
    flipped([5], [0]),
    flipped([1], [0]),
    flipped([3, 4], [1]),
    flipped([2, 3, 4], [0, 2]),
    flipped([0, 3], [0, 1]),
  ],
  solve: [
    solved([], 1, 1),
    solved([], 3, 2),
    solved([], 4, 1),
    solved([2], 3, 3),
    solved([2, 1], 2, 5),
    solved([0], 2, 1),
  ],
};
