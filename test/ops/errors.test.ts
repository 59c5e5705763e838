import * as cr from 'chainrule';
import { type Tensor, tensor } from 'chainrule';
import { describe, it } from 'vitest';
import { type BadCall, expectBadCall } from '../helpers/errors.js';

const x = cr.ones([2, 3]);
const double = cr.ones([2, 3], 'float64');
const ints = (...values: number[]): Tensor => tensor(Int32Array.from(values));
const whole = ints(1, 2);

const { exp, log, sqrt, sin, cos, tanh, sigmoid, leakyRelu } = cr;
const floatOnly = Object.entries({ exp, log, sqrt, sin, cos, tanh, sigmoid, leakyRelu }).map(
  ([name, f]): BadCall => [
    `${name} of integers`,
    () => f(whole),
    `${name}: needs float32 or float64; cast it first, got int32`,
  ],
);

const { add, sub, mul, div, pow, maximum, minimum, eq, ne, lt, le, gt, ge } = cr;
const binary = Object.entries({ add, sub, mul, div, pow, maximum, minimum, eq, ne, lt, le, gt, ge }).flatMap(
  ([name, f]): BadCall[] => [
    [
      `${name} of other shapes`,
      () => f(x, cr.ones([2, 4])),
      `${name}: shapes do not broadcast, [2,3] and [2,4]`,
    ],
    [
      `${name} of other dtypes`,
      () => f(x, double),
      `${name}: dtypes differ, float32 and float64; cast one of them`,
    ],
    [`${name} of numbers alone`, () => f(1, 2), `${name}: at least one operand must be a tensor, got [1,2]`],
  ],
);

const elementwise: BadCall[] = [
  ['div of integers', () => cr.div(whole, 2), 'div: needs float32 or float64; cast it first, got int32'],
  ['pow of integers', () => cr.pow(whole, 2), 'pow: needs float32 or float64; cast it first, got int32'],
  ['where on floats', () => cr.where(x, x, x), 'where: condition must be bool, got float32'],
  [
    'where of other dtypes',
    () => cr.where(x.gt(0), x, double),
    'where: dtypes differ, float32 and float64; cast one of them',
  ],
  [
    'where of other shapes',
    () => cr.where(x.gt(0), cr.ones([4]), 0),
    'where: shapes do not broadcast, [2,3] and [4]',
  ],
];

const reductions: BadCall[] = [
  [
    'sum over an axis that is not there',
    () => cr.sum(x, 2),
    'sum: axis must be an integer from -2 to 1, got 2',
  ],
  ['sum over an axis twice', () => cr.sum(x, [1, -1]), 'sum: axes must differ, got [1,-1]'],
  [
    'mean over half an axis',
    () => cr.mean(x, 0.5),
    'mean: axes must be an integer or an array of integers, got 0.5',
  ],
  [
    'max of nothing',
    () => cr.max(cr.zeros([0])),
    'max: needs at least one element on each reduced axis, got [0]',
  ],
  ['max over a wrong axis', () => cr.max(x, -3), 'max: axis must be an integer from -2 to 1, got -3'],
  ['argMax over a wrong axis', () => cr.argMax(x, 2), 'argMax: axis must be an integer from -2 to 1, got 2'],
  [
    'argMax of nothing',
    () => cr.argMax(cr.zeros([3, 0])),
    'argMax: needs at least one element on the axis, got [3,0]',
  ],
  [
    'logSumExp over a wrong axis',
    () => cr.logSumExp(x, 2),
    'logSumExp: axis must be an integer from -2 to 1, got 2',
  ],
  [
    'logSoftmax over a wrong axis',
    () => cr.logSoftmax(x, 2),
    'logSoftmax: axis must be an integer from -2 to 1, got 2',
  ],
];

const movement: BadCall[] = [
  ['expand of an axis of 3', () => cr.expand(x, [2, 6]), 'expand: cannot broadcast [2,3] to [2,6]'],
  ['expand to fewer axes', () => cr.expand(x, [3]), 'expand: cannot broadcast [2,3] to [3]'],
  [
    'expand to half an element',
    () => cr.expand(x, [0.5, 3]),
    'expand: shape must be an integer or an array of integers, got [0.5,3]',
  ],
  ['reshape to another size', () => cr.reshape(x, [4]), 'reshape: cannot give [2,3] the shape [4]'],
  [
    'reshape with two open axes',
    () => cr.reshape(x, [-1, -1]),
    'reshape: cannot give [2,3] the shape [-1,-1]',
  ],
  ['reshape that leaves a rest', () => cr.reshape(x, [4, -1]), 'reshape: cannot give [2,3] the shape [4,-1]'],
  ['flatten backwards', () => cr.flatten(x, 1, 0), 'flatten: start must not lie behind end, got [1,0]'],
  [
    'flatten from a wrong axis',
    () => cr.flatten(x, 2),
    'flatten: axis must be an integer from -2 to 1, got 2',
  ],
  [
    'unsqueeze past the end',
    () => cr.unsqueeze(x, 3),
    'unsqueeze: axis must be an integer from -3 to 2, got 3',
  ],
  ['squeeze of an axis of 2', () => cr.squeeze(x, 0), 'squeeze: axis 0 must have length 1, got [2,3]'],
  [
    'permute with an axis twice',
    () => cr.permute(x, [0, 0]),
    'permute: axes must name each of the 2 axes once, got [0,0]',
  ],
  [
    'permute of too few axes',
    () => cr.permute(x, [1]),
    'permute: axes must name each of the 2 axes once, got [1]',
  ],
  [
    'transpose of a vector',
    () => cr.transpose(whole),
    'transpose: axis must be an integer from -1 to 0, got -2',
  ],
  ['slice of too many axes', () => cr.slice(x, [[], [], []]), 'slice: at most 2 ranges, got 3'],
  [
    'slice backwards',
    () => cr.slice(x, [[0, 2, -1]]),
    'slice: a range holds integers, and a step of 1 or more, got [0,2,-1]',
  ],
  [
    'slice from a fraction',
    () => cr.slice(x, [[0.5]]),
    'slice: ranges must be an array of ranges [start, end, step] of integers, got [[0.5]]',
  ],
  [
    'pad of too few axes',
    () => cr.pad(x, [[1, 1]]),
    'pad: one [before, after] for each of 2 axes, got [[1,1]]',
  ],
  [
    'pad by less than nothing',
    () =>
      cr.pad(x, [
        [0, -1],
        [0, 0],
      ]),
    'pad: widths must be an array of pairs [before, after] of non-negative integers, got [[0,-1],[0,0]]',
  ],
  ['concat of nothing', () => cr.concat([]), 'concat: at least one tensor, got []'],
  [
    'concat of other shapes',
    () => cr.concat([x, cr.ones([2, 4])]),
    'concat: shapes must agree but for axis 0, got [[2,3],[2,4]]',
  ],
  ['concat of other dtypes', () => cr.concat([x, double]), 'concat: dtype must be float32, got float64'],
  [
    'concat on a wrong axis',
    () => cr.concat([x, x], 2),
    'concat: axis must be an integer from -2 to 1, got 2',
  ],
];

describe('a bad argument', () => {
  const calls = [...floatOnly, ...binary, ...elementwise, ...reductions, ...movement];
  it.each(calls)('%s: the message says what is wrong, and the stack where', (_, call, message) => {
    expectBadCall(call, message, 'errors.test.ts');
  });
});
