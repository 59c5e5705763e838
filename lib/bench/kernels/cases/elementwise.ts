import {
  add,
  argMax,
  cast,
  concat,
  cumSum,
  dropout,
  exp,
  max,
  mul,
  nn,
  relu,
  sigmoid,
  sum,
  type Tensor,
  tanh,
} from '../../../index.js';
import { allReduce } from '../../../ops/primitives/all-reduce.js';
import type { KernelCase } from '../kernel-case.js';
import { bothCases, by, type FunctionCase, floats, functionCase } from './build.js';

/** Elements that lie in the nearest caches, in the last one and in memory. */
const SIZES = [2 ** 12, 2 ** 16, 2 ** 20, 2 ** 24] as const;

/** Functions of one operand, and their names in PyTorch. */
const MAPS: readonly (readonly [name: string, fn: (x: Tensor) => Tensor])[] = [
  ['relu', relu],
  ['gelu', nn.gelu],
  ['tanh', tanh],
  ['sigmoid', sigmoid],
  ['exp', exp],
];

/** Element-wise functions, some with their gradients. */
export const mapCases: readonly KernelCase[] = SIZES.flatMap((size) => [
  ...MAPS.map(([name, fn]) => map(`${name}, ${size}`, [size], fn, name)),
  map(`dropout, ${size}`, [size], (x) => dropout(x, 0.1), 'dropout'),
  ...bothCases(mapOf(`gelu, ${size / 512}x512`, [size / 512, 512], nn.gelu, 'gelu')).slice(1),
  functionCase({
    family: 'map',
    name: `multiply and add, ${size}`,
    inputs: [floats(size), floats(size), floats(size)],
    fn: (a, b, c) => add(mul(a as Tensor, b as Tensor), c as Tensor),
    peer: { op: 'addcmul' },
  }),
  functionCase({
    family: 'map',
    name: `add a row, ${size / 512}x512`,
    inputs: [floats(size / 512, 512), floats(512)],
    fn: (a, b) => add(a as Tensor, b as Tensor),
    peer: { op: 'add' },
  }),
]);

function mapOf(name: string, shape: readonly number[], fn: (x: Tensor) => Tensor, op: string): FunctionCase {
  return { family: 'map', name, inputs: [floats(...shape)], fn: (x) => fn(x as Tensor), peer: { op } };
}

function map(name: string, shape: readonly number[], fn: (x: Tensor) => Tensor, op: string): KernelCase {
  return functionCase(mapOf(name, shape, fn, op));
}

const MATRICES: readonly (readonly [number, number])[] = [
  [128, 512],
  [2048, 512],
  [512, 2048],
  [16384, 64],
];

type Reduction = readonly [name: string, fn: (x: Tensor) => Tensor, op: string, axis: number | null];

const REDUCTIONS: readonly Reduction[] = [
  ['sum of rows', (x) => sum(x, 1), 'sum', 1],
  ['sum of columns', (x) => sum(x, 0), 'sum', 0],
  ['sum of all', (x) => sum(x), 'sum', null],
  ['max of rows', (x) => max(x, 1), 'amax', 1],
  ['max of columns', (x) => max(x, 0), 'amax', 0],
  ['argMax of rows', (x) => argMax(x, 1), 'argmax', 1],
  ['running sum of rows', (x) => cumSum(x, 1), 'cumsum', 1],
];

/** Reductions of matrices. */
export const reductionCases: readonly KernelCase[] = MATRICES.flatMap((shape) =>
  REDUCTIONS.map(([name, fn, op, axis]) =>
    functionCase({
      family: 'reduction',
      name: `${name}, ${by(...shape)}`,
      inputs: [floats(...shape)],
      fn: (x) => fn(x as Tensor),
      peer: { op, options: { axis } },
    }),
  ),
);

/** Copies that change the order or the dtype of elements, and memory that is filled. */
export const copyCases: readonly KernelCase[] = [
  ...[
    [512, 512],
    [2048, 2048],
    [1000, 777],
    [12544, 128],
  ].map(([rows, columns]) =>
    copy(`transpose, ${rows}x${columns}`, [rows as number, columns as number], (x) => x.transpose(), [1, 0]),
  ),
  copy('heads, 16x64x4x32', [16, 64, 4, 32], (x) => x.permute([0, 2, 1, 3]), [0, 2, 1, 3]),
  copy('channels first, 16x32x32x64', [16, 32, 32, 64], (x) => x.permute([0, 3, 1, 2]), [0, 3, 1, 2]),
  functionCase({
    family: 'copy',
    name: 'join, 2 of 512x1024',
    inputs: [floats(512, 1024), floats(512, 1024)],
    fn: (a, b) => concat([a as Tensor, b as Tensor], 1),
    peer: { op: 'concat', options: { axis: 1 } },
  }),
  functionCase({
    family: 'copy',
    name: 'pad, 16x32x32x64',
    inputs: [floats(16, 32, 32, 64)],
    fn: (x) =>
      (x as Tensor).pad([
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ]),
    peer: { op: 'pad', options: { sides: [0, 0, 1, 1, 1, 1] } },
  }),
  functionCase({
    family: 'copy',
    name: 'to float64, 1048576',
    inputs: [floats(2 ** 20)],
    fn: (x) => cast(x as Tensor, 'float64'),
    peer: { op: 'double' },
  }),
  functionCase({
    family: 'copy',
    name: 'all-reduce of one shard, 4096',
    inputs: [floats(4096)],
    fn: (x) => allReduce(x as Tensor),
  }),
];

function copy(
  name: string,
  shape: readonly number[],
  fn: (x: Tensor) => Tensor,
  axes: readonly number[],
): KernelCase {
  const inputs = [floats(...shape)];
  return functionCase({
    family: 'copy',
    name,
    inputs,
    fn: (x) => fn(x as Tensor),
    peer: { op: 'permute', options: { axes } },
  });
}
