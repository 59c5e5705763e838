import type { Tensor } from 'chainrule';
import * as cr from 'chainrule';
import { describe, it } from 'vitest';
import { checkOp, type Fn } from '../../helpers/check-op.js';
import { convolvePlain, transposedPlain } from '../../helpers/naive/spatial.js';

const two = (f: (a: Tensor, b: Tensor) => Tensor): Fn => f as Fn;
const zero = [0, 0] as const;

interface Case {
  readonly name: string;
  readonly fn: (x: Tensor, w: Tensor) => Tensor;
  readonly image: cr.Shape;
  readonly kernel: cr.Shape;
  readonly window: Parameters<typeof convolvePlain>[2];
}

const convolutions: Case[] = [
  {
    name: 'conv1d',
    fn: (x, w) => cr.conv1d(x, w, { stride: 2, padding: 1, dilation: 2 }),
    image: [2, 7, 3],
    kernel: [3, 3, 2],
    window: { stride: [2], sides: [[1, 1]], dilation: [2] },
  },
  {
    name: 'conv1d of one element',
    fn: (x, w) => cr.conv1d(x, w),
    image: [1, 1, 1],
    kernel: [1, 1, 1],
    window: { stride: [1], sides: [zero], dilation: [1] },
  },
  {
    name: 'conv1d with same padding, stride and groups',
    fn: (x, w) => cr.conv1d(x, w, { stride: [2], padding: 'same', groups: 2 }),
    image: [1, 5, 4],
    kernel: [4, 2, 2],
    window: { stride: [2], sides: [[1, 2]], dilation: [1], groups: 2 },
  },
  {
    name: 'conv1d reflect',
    fn: (x, w) => cr.conv1d(x, w, { padding: 2, paddingMode: 'reflect' }),
    image: [2, 3, 1],
    kernel: [2, 1, 2],
    window: { stride: [1], sides: [[2, 2]], dilation: [1], border: 'reflect' },
  },
  {
    name: 'conv2d with same padding',
    fn: (x, w) => cr.conv2d(x, w, { stride: [2, 3], padding: 'same', dilation: [1, 2] }),
    image: [1, 5, 7, 2],
    kernel: [2, 2, 2, 3],
    window: {
      stride: [2, 3],
      sides: [
        [0, 1],
        [1, 1],
      ],
      dilation: [1, 2],
    },
  },
  {
    name: 'conv2d with same padding larger than the image',
    fn: (x, w) => cr.conv2d(x, w, { padding: 'same' }),
    image: [1, 1, 2, 1],
    kernel: [4, 5, 1, 1],
    window: {
      stride: [1, 1],
      sides: [
        [1, 2],
        [2, 2],
      ],
      dilation: [1, 1],
    },
  },
  {
    name: 'conv2d with two results for each channel',
    fn: (x, w) => cr.conv2d(x, w, { padding: [0, 1], groups: 3 }),
    image: [2, 3, 4, 3],
    kernel: [2, 3, 1, 6],
    window: { stride: [1, 1], sides: [zero, [1, 1]], dilation: [1, 1], groups: 3 },
  },
  {
    name: 'conv2d circular',
    fn: (x, w) => cr.conv2d(x, w, { padding: [1, 3], paddingMode: 'circular', stride: 2 }),
    image: [1, 2, 3, 2],
    kernel: [2, 3, 2, 1],
    window: {
      stride: [2, 2],
      sides: [
        [1, 1],
        [3, 3],
      ],
      dilation: [1, 1],
      border: 'circular',
    },
  },
  {
    name: 'conv2d replicate with same padding',
    fn: (x, w) => cr.conv2d(x, w, { padding: 'same', paddingMode: 'replicate' }),
    image: [1, 3, 2, 2],
    kernel: [4, 3, 2, 1],
    window: {
      stride: [1, 1],
      sides: [
        [1, 2],
        [1, 1],
      ],
      dilation: [1, 1],
      border: 'replicate',
    },
  },
  {
    name: 'conv3d',
    fn: (x, w) => cr.conv3d(x, w, { stride: [2, 1, 2], padding: [1, 0, 1], dilation: [1, 2, 1] }),
    image: [2, 3, 3, 3, 2],
    kernel: [2, 2, 3, 2, 2],
    window: { stride: [2, 1, 2], sides: [[1, 1], zero, [1, 1]], dilation: [1, 2, 1] },
  },
  {
    name: 'conv3d with groups and same padding',
    fn: (x, w) => cr.conv3d(x, w, { padding: 'same', groups: 2 }),
    image: [1, 2, 2, 3, 4],
    kernel: [2, 3, 2, 2, 2],
    window: {
      stride: [1, 1, 1],
      sides: [
        [0, 1],
        [1, 1],
        [0, 1],
      ],
      dilation: [1, 1, 1],
      groups: 2,
    },
  },
  {
    name: 'conv3d depthwise',
    fn: (x, w) => cr.conv3d(x, w, { groups: 3, dilation: [2, 1, 1] }),
    image: [1, 4, 2, 2, 3],
    kernel: [2, 1, 2, 1, 3],
    window: { stride: [1, 1, 1], sides: [zero, zero, zero], dilation: [2, 1, 1], groups: 3 },
  },
];

interface TransposedCase {
  readonly name: string;
  readonly fn: (x: Tensor, w: Tensor) => Tensor;
  readonly image: cr.Shape;
  readonly kernel: cr.Shape;
  readonly window: Parameters<typeof transposedPlain>[2];
}

const transposes: TransposedCase[] = [
  {
    name: 'convTranspose1d',
    fn: (x, w) => cr.convTranspose1d(x, w, { stride: 3, padding: 1, outputPadding: 2 }),
    image: [2, 3, 2],
    kernel: [4, 3, 2],
    window: { stride: [3], padding: [1], outputPadding: [2], dilation: [1] },
  },
  {
    name: 'convTranspose1d of a fluent tensor',
    fn: (x, w) => x.convTranspose1d(w, { groups: 2 }),
    image: [1, 1, 2],
    kernel: [2, 2, 2],
    window: { stride: [1], padding: [0], outputPadding: [0], dilation: [1], groups: 2 },
  },
  {
    name: 'convTranspose2d',
    fn: (x, w) => cr.convTranspose2d(x, w, { stride: [2, 1], padding: [1, 0], dilation: [1, 2] }),
    image: [1, 2, 3, 3],
    kernel: [3, 2, 2, 3],
    window: { stride: [2, 1], padding: [1, 0], outputPadding: [0, 0], dilation: [1, 2] },
  },
  {
    name: 'convTranspose2d with more output padding than stride',
    fn: (x, w) =>
      cr.convTranspose2d(x, w, { stride: [1, 2], dilation: [3, 4], outputPadding: [2, 3], padding: [2, 1] }),
    image: [1, 3, 2, 1],
    kernel: [2, 2, 2, 1],
    window: { stride: [1, 2], padding: [2, 1], outputPadding: [2, 3], dilation: [3, 4] },
  },
  {
    name: 'convTranspose2d depthwise',
    fn: (x, w) => cr.convTranspose2d(x, w, { stride: 2, groups: 3 }),
    image: [1, 2, 2, 3],
    kernel: [2, 3, 1, 3],
    window: { stride: [2, 2], padding: [0, 0], outputPadding: [0, 0], dilation: [1, 1], groups: 3 },
  },
  {
    name: 'convTranspose2d with groups of unequal channels',
    fn: (x, w) => cr.convTranspose2d(x, w, { groups: 2 }),
    image: [1, 2, 2, 4],
    kernel: [2, 2, 1, 4],
    window: { stride: [1, 1], padding: [0, 0], outputPadding: [0, 0], dilation: [1, 1], groups: 2 },
  },
  {
    name: 'convTranspose3d',
    fn: (x, w) =>
      cr.convTranspose3d(x, w, { stride: [2, 1, 2], padding: [1, 1, 0], outputPadding: [1, 0, 1] }),
    image: [1, 2, 2, 2, 2],
    kernel: [3, 2, 2, 2, 2],
    window: { stride: [2, 1, 2], padding: [1, 1, 0], outputPadding: [1, 0, 1], dilation: [1, 1, 1] },
  },
  {
    name: 'convTranspose3d with groups and dilation',
    fn: (x, w) => cr.convTranspose3d(x, w, { groups: 2, dilation: [3, 1, 2], outputPadding: [2, 0, 1] }),
    image: [1, 2, 1, 2, 2],
    kernel: [2, 2, 2, 1, 2],
    window: {
      stride: [1, 1, 1],
      padding: [0, 0, 0],
      outputPadding: [2, 0, 1],
      dilation: [3, 1, 2],
      groups: 2,
    },
  },
];

describe('convolutions in float64 against nested loops', () => {
  it.each(convolutions)('$name', async ({ name, fn, image, kernel, window }) => {
    await checkOp(name, two(fn), [image, kernel], { reference: (x, w) => convolvePlain(x, w, window) });
  });

  it.each(transposes)('$name', async ({ name, fn, image, kernel, window }) => {
    await checkOp(name, two(fn), [image, kernel], { reference: (x, w) => transposedPlain(x, w, window) });
  });
});
