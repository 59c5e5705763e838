import {
  argSort,
  batchNorm,
  gather,
  layerNorm,
  logSoftmax,
  nn,
  scaledDotProductAttention,
  scatterAdd,
  softmax,
  solve,
  type Tensor,
  takeAlong,
} from '../../../index.js';
import type { KernelCase } from '../kernel-case.js';
import { bothCases, by, floats, functionCase, indices } from './build.js';

const MATRICES: readonly (readonly [number, number])[] = [
  [128, 10],
  [128, 1000],
  [2048, 128],
  [8192, 64],
];

/** Softmax, normalisations and cross-entropy, which the compiler makes of smaller ops, also with gradients. */
export const normalisationCases: readonly KernelCase[] = [
  ...MATRICES.flatMap((shape) => [
    ...bothCases({
      family: 'softmax',
      name: `softmax, ${by(...shape)}`,
      inputs: [floats(...shape)],
      fn: (x) => softmax(x as Tensor),
      peer: { op: 'softmax' },
    }),
    functionCase({
      family: 'softmax',
      name: `logSoftmax, ${by(...shape)}`,
      inputs: [floats(...shape)],
      fn: (x) => logSoftmax(x as Tensor),
      peer: { op: 'logSoftmax' },
    }),
    ...bothCases({
      family: 'crossEntropy',
      name: by(...shape),
      inputs: [floats(...shape), indices(shape[1], shape[0])],
      fn: (x, labels) => nn.crossEntropy(x as Tensor, labels as Tensor),
      peer: { op: 'crossEntropy' },
    }),
    ...bothCases(
      {
        family: 'layerNorm',
        name: by(...shape),
        inputs: [floats(...shape), floats(shape[1]), floats(shape[1])],
        fn: (x, weight, bias) =>
          layerNorm(x as Tensor, shape[1], { weight: weight as Tensor, bias: bias as Tensor }),
        peer: { op: 'layerNorm' },
      },
      [0, 1, 2],
    ),
  ]),
  ...[
    [16, 32, 32, 64],
    [16, 32, 32, 16],
    [16, 4, 4, 512],
  ].flatMap((shape) =>
    bothCases(
      {
        family: 'batchNorm',
        name: by(...shape),
        inputs: [floats(...shape), floats(shape[3] as number), floats(shape[3] as number)],
        fn: (x, weight, bias) =>
          batchNorm(x as Tensor, null, { weight: weight as Tensor, bias: bias as Tensor }),
        peer: { op: 'batchNorm', images: [0] },
      },
      [0, 1, 2],
    ),
  ),
];

/** Batches and heads, positions, and the width of a head. */
const ATTENTIONS: readonly (readonly [batch: number, heads: number, length: number, width: number])[] = [
  [16, 4, 64, 32],
  [4, 8, 256, 64],
  [1, 8, 1024, 64],
];

/** Attention with and without the causal mask. */
export const attentionCases: readonly KernelCase[] = ATTENTIONS.flatMap(([batch, heads, length, width]) =>
  [true, false].flatMap((causal) => {
    const operand = floats(batch, heads, length, width);
    // A causal half is skipped by those who can.
    const pairs = causal ? (length * (length + 1)) / 2 : length ** 2;
    const of = {
      family: 'attention',
      name: `${by(batch, heads, length, width)}${causal ? ', causal' : ''}`,
      inputs: [operand, operand, operand],
      fn: (q?: Tensor, k?: Tensor, v?: Tensor) =>
        scaledDotProductAttention(q as Tensor, k as Tensor, v as Tensor, { causal }),
      flops: 4 * batch * heads * pairs * width,
      peer: { op: 'attention', options: { causal } },
    };
    const [forward, both] = bothCases(of, [0, 1, 2]) as [KernelCase, KernelCase];
    // Two products forward; backward, one for the weights and four for the gradients.
    return [forward, { ...both, flops: 3.5 * of.flops }];
  }),
);

/** Look-ups, sorting and systems of equations. */
export const indexCases: readonly KernelCase[] = [
  ...(
    [
      [96, 128, 2048],
      [50000, 128, 2048],
      [50000, 512, 512],
    ] as const
  ).flatMap(([rows, width, count]) => {
    const moved = 4 * width * count;
    const table = floats(rows, width);
    return [
      functionCase({
        family: 'index',
        name: `gather ${count} of ${by(rows, width)}`,
        inputs: [table, indices(rows, count)],
        fn: (x, i) => gather(x as Tensor, i as Tensor),
        bytes: { read: 4 * count + Math.min(moved, 4 * rows * width), written: moved },
        peer: { op: 'gather' },
      }),
      functionCase({
        family: 'index',
        name: `scatterAdd ${count} to ${by(rows, width)}`,
        inputs: [table, indices(rows, count), floats(count, width)],
        fn: (x, i, updates) => scatterAdd(x as Tensor, i as Tensor, updates as Tensor),
        peer: { op: 'scatterAdd' },
      }),
    ];
  }),
  ...bothCases({
    family: 'index',
    name: 'takeAlong 2048x16 of 2048x128',
    inputs: [floats(2048, 128), indices(128, 2048, 16)],
    fn: (x, i) => takeAlong(x as Tensor, i as Tensor, 1),
    bytes: { read: 8 * 2048 * 16, written: 4 * 2048 * 16 },
    peer: { op: 'takeAlong' },
  }),
  functionCase({
    family: 'index',
    name: 'argSort 512x256',
    inputs: [floats(512, 256)],
    fn: (x) => argSort(x as Tensor),
    peer: { op: 'argsort' },
  }),
  functionCase({
    family: 'index',
    name: 'solve 256x256, 64 columns',
    inputs: [floats(256, 256), floats(256, 64)],
    fn: (a, b) => solve(a as Tensor, b as Tensor),
    flops: (2 * 256 ** 3) / 3 + 2 * 256 ** 2 * 64,
    peer: { op: 'solve' },
  }),
];
