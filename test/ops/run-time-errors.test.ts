import * as cr from 'chainrule';
import { compile, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { type BadCall, expectBadCall } from '../helpers/errors.js';

const x = cr.ones([2, 3]);
const double = cr.ones([2, 3], 'float64');
const image = cr.ones([1, 4, 4, 2]);
const kernel = cr.ones([3, 3, 2, 5]);
const ints = (...values: number[]): Tensor => tensor(Int32Array.from(values));
const whole = ints(1, 2);

const products: BadCall[] = [
  ['matmul that does not fit', () => cr.matmul(x, x), 'matmul: inner dimensions differ, [2,3] x [2,3]'],
  [
    'matmul, transposed, that does not fit',
    () =>
      cr
        .matmul(x, cr.ones([2, 2]), { transposeA: true, transposeB: true })
        .matmul(x, { transposeB: true })
        .matmul(x),
    'matmul: inner dimensions differ, [3,2] x [2,3] transposed',
  ],
  [
    'matmul of a number',
    () => cr.matmul(cr.ones([]), x),
    'matmul: operands must have at least one axis, got [[],[2,3]]',
  ],
  [
    'matmul of other dtypes',
    () => cr.matmul(x, double),
    'matmul: dtypes differ, float32 and float64; cast one of them',
  ],
  ['matmul of integers', () => cr.matmul(whole, whole), 'matmul: needs float32 or float64, got int32'],
  [
    'matmul of other batches',
    () => cr.matmul(cr.ones([2, 3, 4]), cr.ones([3, 4, 5])),
    'matmul: shapes do not broadcast, [2] and [3]',
  ],
  [
    'gather from a number',
    () => cr.gather(cr.ones([]), whole),
    'gather: the table must have at least one axis, got []',
  ],
  [
    'gather from integers',
    () => cr.gather(whole, whole),
    'gather: the table must be float32 or float64, got int32',
  ],
  ['gather by floats', () => cr.gather(x, x), 'gather: indices must be int32 or uint8, got float32'],
  ['oneHot of floats', () => cr.oneHot(x, 3), 'oneHot: indices must be int32 or uint8, got float32'],
  [
    'oneHot of no classes',
    () => cr.oneHot(whole, 0),
    'oneHot: classes must be an integer from 1 to 16777216, got 0',
  ],
];

const images: BadCall[] = [
  ['conv2d of a matrix', () => cr.conv2d(x, kernel), 'conv2d: images must be [N, H, W, C], got [2,3]'],
  ['conv2d with a matrix', () => cr.conv2d(image, x), 'conv2d: kernels must be [KH, KW, C, O], got [2,3]'],
  [
    'conv2d of other channels',
    () => cr.conv2d(image, cr.ones([3, 3, 1, 5])),
    'conv2d: input channels differ, [1,4,4,2] x [3,3,1,5] ([N,H,W,C] x [KH,KW,C,O])',
  ],
  [
    'conv2d of other dtypes',
    () => cr.conv2d(image, kernel.to('float64')),
    'conv2d: images and kernels must both be float32 or both float64, got [float32,float64]',
  ],
  [
    'conv2d with no stride',
    () => cr.conv2d(image, kernel, { stride: 0 }),
    'conv2d: stride must be a positive integer, got 0',
  ],
  [
    'conv2d with half a stride',
    () => cr.conv2d(image, kernel, { stride: [1, 0.5] }),
    'conv2d: stride must be an integer or an array of integers, got [1,0.5]',
  ],
  [
    'conv2d with less than no padding',
    () => cr.conv2d(image, kernel, { padding: -1 }),
    'conv2d: padding must be a non-negative integer, got -1',
  ],
  [
    'conv2d with no dilation',
    () => cr.conv2d(image, kernel, { dilation: 0 }),
    'conv2d: dilation must be a positive integer, got 0',
  ],
  [
    'conv2d with a wide kernel',
    () => cr.conv2d(image, kernel, { dilation: [1, 2] }),
    'conv2d: a window of 5 does not fit into 4 with a padding of 0',
  ],
  ['maxPool2d of a matrix', () => cr.maxPool2d(x, 2), 'maxPool2d: images must be [N, H, W, C], got [2,3]'],
  [
    'maxPool2d of integers',
    () => cr.maxPool2d(image.to('int32'), 2),
    'maxPool2d: images must be float32 or float64, got int32',
  ],
  ['maxPool2d of size 0', () => cr.maxPool2d(image, 0), 'maxPool2d: size must be a positive integer, got 0'],
  [
    'maxPool2d with much padding',
    () => cr.maxPool2d(image, 3, { padding: 2 }),
    'maxPool2d: padding must be at most half of the window, got [2,2]',
  ],
  [
    'maxPool2d of a wide window',
    () => cr.maxPool2d(image, [2, 5]),
    'maxPool2d: a window of 5 does not fit into 4 with a padding of 0',
  ],
  [
    'avgPool2d with no stride',
    () => cr.avgPool2d(image, 2, { stride: 0 }),
    'avgPool2d: stride must be a positive integer, got 0',
  ],
  ['avgPool2d of a matrix', () => cr.avgPool2d(x, 2), 'avgPool2d: images must be [N, H, W, C], got [2,3]'],
];

const leaves: BadCall[] = [
  ['ragged values', () => tensor([[1, 2], [3]]), 'tensor: every list on axis 1 must have 2 entries, got [3]'],
  [
    'values of another size',
    () => tensor([1, 2, 3], { shape: [2, 2] }),
    'tensor: shape [2,2] needs 4 values, got 3',
  ],
  [
    'NaN as an integer',
    () => tensor([1, Number.NaN], { dtype: 'int32' }),
    'tensor: value at position 1 must be a int32 number, got NaN',
  ],
  [
    '256 as a byte',
    () => tensor([256], { dtype: 'uint8' }),
    'tensor: value at position 0 must be a uint8 number, got 256',
  ],
  [
    'a shape with -1',
    () => cr.zeros([-1]),
    'zeros: shape must be an array of non-negative integers, got [-1]',
  ],
  [
    'uniform integers',
    () => cr.uniform([2], 'int32'),
    'uniform: dtype must be float32 or float64, got int32',
  ],
  ['dropout of everything', () => cr.dropout(x, 1), 'dropout: p must be at least 0 and less than 1, got 1'],
  [
    'dropout with NaN',
    () => cr.dropout(x, Number.NaN),
    'dropout: p must be at least 0 and less than 1, got NaN',
  ],
  ['grad of a vector', () => cr.grad(x, [x]), 'grad: the loss must have one element, got [2,3]'],
  ['grad of an integer', () => cr.grad(ints(1), []), 'grad: the loss must be float32 or float64, got int32'],
  [
    'grad for an integer',
    () => cr.grad(x.sum(), [whole]),
    'grad: gradients are taken of float32 or float64, got int32',
  ],
];

describe('a bad argument of a product, an image op or a leaf', () => {
  it.each([...products, ...images, ...leaves])(
    '%s: the message says what, and the stack where',
    (_, call, message) => {
      expectBadCall(call, message, 'run-time-errors.test.ts');
    },
  );
});

describe('a bad value, found while running', () => {
  const labels: [string, () => Tensor, string][] = [
    ['gather past the end', () => cr.gather(x, ints(0, 2)), 'gather: index 2 at position 1 is outside 0..1'],
    [
      'gather before the start',
      () => cr.gather(x, ints(-1)),
      'gather: index -1 at position 0 is outside 0..1',
    ],
    [
      'oneHot of a class too many',
      () => cr.oneHot(ints(0, 5), 3),
      'oneHot: index 5 at position 1 is outside 0..2',
    ],
    [
      'crossEntropy of a label too many',
      () => cr.nn.crossEntropy(x, ints(0, 7)),
      'crossEntropy: index 7 at position 1 is outside 0..2',
    ],
  ];
  it.each(labels)('%s: the promise is rejected with the place and the value', async (_, build, message) => {
    await expect(build().data()).rejects.toHaveProperty('message', message);
  });

  it('leaves a compiled function usable', async () => {
    const pick = compile((indices: Tensor) => cr.gather(x, indices));
    await expect(pick(ints(9))).rejects.toThrow('gather: index 9 at position 0 is outside 0..1');
    expect(await (await pick(ints(1))).toArray()).toEqual([[1, 1, 1]]);
    pick.release();
  });

  it('a bad shape rejects a compiled call with the op and the user in the stack', async () => {
    const product = compile((a: Tensor, b: Tensor) => a.matmul(b));
    const error = await product(x, x).catch((reason: unknown) => reason);
    expect((error as Error).message).toBe('matmul: inner dimensions differ, [2,3] x [2,3]');
    expect((error as Error).stack).toContain('run-time-errors.test.ts');
  });

  it('item of many, and data of an argument, say what to do', async () => {
    await expect(x.item()).rejects.toThrow('item: the tensor must have one element, got [2,3]');
    let leaked: Tensor | undefined;
    const leak = compile((a: Tensor) => {
      leaked = a.mul(2);
      return leaked;
    });
    await leak(x);
    await expect((leaked as unknown as Tensor).data()).rejects.toThrow(
      'data: the tensor depends on an argument of a function being compiled; return it instead',
    );
  });
});
