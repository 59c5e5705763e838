import * as cr from 'chainrule';
import { Storage } from '#lib/graph/storage.js';
import { Tensor } from '#lib/graph/tensor.js';
import { checkLabels, scatterAddOp } from '#lib/ops/primitives/gather.js';
import { at, build, type Plain } from '../naive/naive.js';
import type { OpCase, OpCases } from './elementwise.js';

const integers = (data: readonly number[], shape: cr.Shape = [data.length]): Tensor =>
  cr.tensor(Int32Array.from(data), { shape });

const rowsOf = ({ shape, data }: Plain, row: number): readonly number[] => {
  const size = shape.slice(1).reduce((a, b) => a * b, 1);
  return data.slice(row * size, (row + 1) * size);
};

function gathered(table: cr.Shape, indices: readonly number[], shape: cr.Shape): OpCase {
  return {
    fn: (x) => cr.gather(x as Tensor, integers(indices, shape)),
    inputs: [table],
    options: {
      reference: (x) => ({
        shape: [...shape, ...table.slice(1)],
        data: indices.flatMap((index) => rowsOf(x, index)),
      }),
    },
  };
}

function scattered(rows: number, indices: readonly number[], row: cr.Shape): OpCase {
  return {
    fn: (x) => new Tensor(scatterAddOp, [integers(indices), x as Tensor], { name: 'test', rows }),
    inputs: [[indices.length, ...row]],
    options: {
      reference: (x) =>
        build([rows, ...row], ([at0, ...rest]) =>
          indices.reduce((sum, index, i) => (index === at0 ? sum + at(x, [i, ...rest]) : sum), 0),
        ),
    },
  };
}

const largestIndex = (x: Plain, axis: number): Plain =>
  build(
    x.shape.filter((_, i) => i !== axis),
    (index) => {
      const value = (i: number) => at(x, [...index.slice(0, axis), i, ...index.slice(axis)]);
      let best = 0;
      for (let i = 1; i < (x.shape[axis] as number); i++) if (value(i) > value(best)) best = i;
      return best;
    },
  );

const argMaxima: [cr.Shape, number][] = [
  [[7], 0],
  [[1], 0],
  [[3, 5], 0],
  [[3, 5], 1],
  [[2, 9, 3], 1],
  [[0, 3], 1],
  [[4, 33], 1],
];

function withVariable(shape: cr.Shape): OpCase {
  const variableOf = (dtype: cr.DType) => new cr.Variable(new Storage(shape, dtype, (data) => data.fill(3)));
  const variables = { float32: variableOf('float32'), float64: variableOf('float64') };
  return {
    fn: (x) => cr.mul(x as Tensor, variables[(x as Tensor).dtype as 'float64']),
    inputs: [shape],
    options: { reference: ({ data }) => ({ shape, data: data.map((v) => v * 3) }) },
  };
}

/** Ops whose inputs are not floats, and ops without a gradient. */
export const otherCases: OpCases = {
  gather: [
    gathered([5, 3], [4, 0, 4, 2], [4]),
    gathered([5, 3], [1, 1, 3, 0, 2, 4], [2, 3]),
    gathered([4], [3, 3, 1], [3]),
    gathered([2, 2, 3], [1], []),
    gathered([3, 2], [], [0]),
  ],
  scatterAdd: [scattered(5, [4, 0, 4, 2], [3]), scattered(3, [1, 1, 1, 1, 1], []), scattered(2, [], [4])],
  argMax: argMaxima.map(([shape, axis]) => ({
    fn: (x) => cr.argMax(x as Tensor, axis),
    inputs: [shape],
    options: { gradient: false, reference: (x) => largestIndex(x, axis) },
  })),
  checkRange: [
    {
      fn: (x) =>
        cr.mul(x as Tensor, cr.cast(checkLabels('test', integers([3, 0, 2]), 4), (x as Tensor).dtype)),
      inputs: [[3]],
      options: {
        reference: ({ data }) => ({ shape: [3], data: data.map((v, i) => v * ([3, 0, 2][i] as number)) }),
      },
    },
  ],
  stopGradient: [
    {
      // The stopped factor counts for the value, and its projection has no gradient.
      fn: (x) => cr.sub(cr.stopGradient(x as Tensor), cr.stopGradient(cr.mul(x as Tensor, 2))),
      inputs: [[3, 2]],
      options: { gradient: false, reference: ({ data }) => ({ shape: [3, 2], data: data.map((v) => -v) }) },
    },
  ],
  uniform: [
    {
      fn: (x) => {
        const { dtype } = x as Tensor;
        const drawn = cr.uniform([5, 3], dtype as 'float64');
        return cr.add(cr.mul(x as Tensor, 0), cr.cast(cr.lt(drawn, 1), dtype));
      },
      inputs: [[5, 3]],
      options: { gradient: false, reference: () => ({ shape: [5, 3], data: new Array(15).fill(1) }) },
    },
  ],
  input: [
    {
      fn: (x) => (x as Tensor).reshape([4]),
      inputs: [[4, 1]],
      options: { kind: 'input', reference: ({ data }) => ({ shape: [4], data }) },
    },
  ],
  variable: [withVariable([3, 2])],
  constant: [
    {
      fn: (x) => {
        const dtype = (x as Tensor).dtype as 'float64';
        return cr.add(cr.add(x as Tensor, cr.full([3], 2, dtype)), cr.arange(3, dtype));
      },
      inputs: [[3]],
      options: { reference: ({ data }) => ({ shape: [3], data: data.map((v, i) => v + 2 + i) }) },
    },
  ],
};
