import * as cr from 'chainrule';
import { nn, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';

const { NaN: nan, POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: negative } = Number;
const none = tensor(new Int32Array(0));
const first = tensor(Int32Array.of(0), { shape: [] });

type Fn = (...inputs: Tensor[]) => Tensor;
/** A name, a function, its inputs, and what PyTorch gives: shape, elements, and the gradients of their sum. */
type Case = [string, Fn, Tensor[], cr.Shape, readonly number[], ((readonly number[])[] | undefined)?];

async function check([, fn, inputs, shape, values, gradients]: Case): Promise<void> {
  const run = cr.compile((...args: Tensor[]) => {
    const value = fn(...args);
    return [value, ...(gradients ? cr.grad(cr.sum(value), args) : [])];
  });
  const [value, ...slopes] = (await run(...inputs)) as [Tensor, ...Tensor[]];
  run.release();
  expect(value.shape).toEqual(shape);
  expect([...(await value.data())]).toEqual(values);
  expect(slopes.map((slope) => slope.shape)).toEqual(gradients ? inputs.map((x) => x.shape) : []);
  expect(await Promise.all(slopes.map(async (slope) => [...(await slope.data())]))).toEqual(gradients ?? []);
}

const along: [string, (x: Tensor, axis: number) => Tensor, number, number?][] = [
  ['sum', cr.sum, 1.5, 1],
  ['mean', cr.mean, 1.5, 1],
  ['max', cr.max, 1.5, 1],
  ['min', cr.min, 1.5, 1],
  ['prod', cr.prod, 1.5, 1],
  ['norm', cr.norm, 1.5, 1],
  ['logSumExp', cr.logSumExp, 1.5, 1],
  ['variance', cr.variance, nan, nan],
  ['std', cr.std, nan, nan],
  ['softmax', nn.softmax, 1, 0],
  ['logSoftmax', nn.logSoftmax, 0, 0],
  ['cumSum', cr.cumSum, 1.5, 1],
  ['cumProd', cr.cumProd, 1.5, 1],
  ['sort', cr.sort, 1.5, 1],
  ['topK', (x, axis) => cr.topK(x, 1, axis).values, 1.5, 1],
  ['flip', cr.flip, 1.5, 1],
  ['squeeze', cr.squeeze, 1.5, 1],
  ['transpose', (x, axis) => cr.transpose(x, axis, 0), 1.5, 1],
  ['takeAlong', (x, axis) => cr.takeAlong(x, first, axis), 1.5, 1],
  ['scatterAddAlong', (x, axis) => cr.scatterAddAlong(x, first, tensor(2), axis), 3.5, 1],
  ['indexSelect', (x, axis) => cr.indexSelect(x, cr.zeros([1], 'int32'), axis), 1.5, 1],
  ['cosineSimilarity', (x, axis) => cr.cosineSimilarity(x, x, axis), 1, 0],
  ['argMax', cr.argMax, 0],
  ['argMin', cr.argMin, 0],
  ['argSort', cr.argSort, 0],
  ['any', cr.any, 1],
  ['all', cr.all, 1],
];

describe('a scalar', () => {
  const cases = along.flatMap(([name, fn, value, slope]) =>
    [0, -1].map((axis): Case => {
      const gradients = slope === undefined ? undefined : [[slope]];
      return [
        `${name} along axis ${axis}`,
        (x) => fn(x as Tensor, axis),
        [tensor(1.5)],
        [],
        [value],
        gradients,
      ];
    }),
  );
  it.each(cases)('has axes 0 and -1 in %s', async (...args) => check(args));
});

const zeros = (...shape: number[]) => cr.zeros(shape);
const [empty, rows, columns] = [zeros(0), zeros(0, 3), zeros(3, 0)];
const images = zeros(0, 4, 4, 2);
const one = (f: (x: Tensor) => Tensor): Fn => f as Fn;
const sixes = new Array(6).fill(0);

describe('tensors without elements', () => {
  const reductions: Case[] = [
    ['mean', one((x) => cr.mean(x)), [empty], [], [nan], [[]]],
    ['mean of each row', one((x) => cr.mean(x, 1)), [columns], [3], [nan, nan, nan], [[]]],
    ['mean of no rows', one((x) => cr.mean(x, 0)), [columns], [0], [], [[]]],
    ['sum', one((x) => cr.sum(x, 1)), [columns], [3], [0, 0, 0], [[]]],
    ['prod', one((x) => cr.prod(x, 1)), [columns], [3], [1, 1, 1], [[]]],
    ['variance', one((x) => cr.variance(x, 1)), [columns], [3], [nan, nan, nan], [[]]],
    ['std', one((x) => cr.std(x, 1, { correction: 0 })), [columns], [3], [nan, nan, nan], [[]]],
    ['variance of one element', one((x) => cr.variance(x)), [tensor([2])], [], [nan], [[nan]]],
    [
      'variance of two less two',
      one((x) => cr.variance(x, 0, { correction: 2 })),
      [tensor([2, 3])],
      [],
      [inf],
    ],
    ['std of two less three', one((x) => cr.std(x, 0, { correction: 3 })), [tensor([2, 3])], [], [inf]],
    ['norm', one((x) => cr.norm(x, 1)), [columns], [3], [0, 0, 0], [[]]],
    ['norm of p 3', one((x) => cr.norm(x, 1, { p: 3 })), [columns], [3], [0, 0, 0], [[]]],
    ['norm of p Infinity of no rows', one((x) => cr.norm(x, 0, { p: inf })), [columns], [0], [], [[]]],
    ['max of no rows', one((x) => cr.max(x, 0)), [columns], [0], [], [[]]],
    ['argMax of no rows', one((x) => cr.argMax(x, 0)), [columns], [0], []],
    ['any', one((x) => cr.any(x, 1)), [columns], [3], [0, 0, 0]],
    ['all', one((x) => cr.all(x, 1)), [columns], [3], [1, 1, 1]],
    ['logSumExp', one((x) => cr.logSumExp(x)), [columns], [3], [negative, negative, negative], [[]]],
    [
      'logSumExp kept',
      one((x) => cr.logSumExp(x, [0, 1], { keepDims: true })),
      [columns],
      [1, 1],
      [negative],
      [[]],
    ],
    ['softmax', one((x) => nn.softmax(x)), [columns], [3, 0], [], [[]]],
    ['logSoftmax', one((x) => nn.logSoftmax(x)), [columns], [3, 0], [], [[]]],
    ['softmax of no rows', one((x) => nn.softmax(x)), [rows], [0, 3], [], [[]]],
    ['cumSum', one((x) => cr.cumSum(x)), [columns], [3, 0], [], [[]]],
    ['cumProd', one((x) => cr.cumProd(x)), [columns], [3, 0], [], [[]]],
    ['sort', one((x) => cr.sort(x)), [columns], [3, 0], [], [[]]],
    ['topK of none', one((x) => cr.topK(x, 0).values), [zeros(3, 2)], [3, 0], [], [sixes]],
  ];
  const products: Case[] = [
    ['matmul', cr.matmul as Fn, [zeros(2, 0), rows], [2, 3], sixes, [[], []]],
    ['matmul of batches', cr.matmul as Fn, [zeros(1, 2, 0), zeros(1, 0, 3)], [1, 2, 3], sixes, [[], []]],
    ['matmul of no batches', cr.matmul as Fn, [zeros(0, 2, 3), zeros(0, 3, 2)], [0, 2, 2], [], [[], []]],
    ['matmul of no rows', cr.matmul as Fn, [rows, zeros(3, 2)], [0, 2], [], [[], sixes]],
    [
      'matmul of a transpose',
      (a, b) => cr.matmul(a as Tensor, b as Tensor, { transposeB: true }),
      [zeros(2, 3, 0), zeros(2, 3, 0)],
      [2, 3, 3],
      new Array(18).fill(0),
      [[], []],
    ],
    ['dot', cr.dot as Fn, [empty, empty], [], [0], [[], []]],
    [
      'einsum',
      (a, b) => cr.einsum('ij,jk->ik', a as Tensor, b as Tensor),
      [zeros(2, 0), rows],
      [2, 3],
      sixes,
      [[], []],
    ],
    ['solve', cr.solve as Fn, [cr.eye(2), zeros(2, 0)], [2, 0], [], [[-0, -0, -0, -0], []]],
    [
      'attention to no key',
      (q, k) => cr.scaledDotProductAttention(q as Tensor, k as Tensor, k as Tensor),
      [cr.ones([1, 3, 2]), zeros(1, 0, 2)],
      [1, 3, 2],
      sixes,
      [sixes, []],
    ],
    [
      'attention of no features',
      (q, k) => cr.scaledDotProductAttention(q as Tensor, k as Tensor, k as Tensor),
      [zeros(2, 3, 0), zeros(2, 3, 0)],
      [2, 3, 0],
      [],
      [[], []],
    ],
  ];
  const kernels = new Array(18).fill(0);
  const layers: Case[] = [
    [
      'conv2d',
      (x, w) => cr.conv2d(x as Tensor, w as Tensor),
      [images, cr.ones([3, 3, 2, 1])],
      [0, 2, 2, 1],
      [],
      [[], kernels],
    ],
    [
      'convTranspose2d',
      (x, w) => cr.convTranspose2d(x as Tensor, w as Tensor),
      [images, cr.ones([3, 3, 1, 2])],
      [0, 6, 6, 1],
      [],
      [[], kernels],
    ],
    ['maxPool2d', one((x) => cr.maxPool2d(x, 2)), [images], [0, 2, 2, 2], [], [[]]],
    ['avgPool2d', one((x) => cr.avgPool2d(x, 2)), [images], [0, 2, 2, 2], [], [[]]],
    [
      'upsample',
      one((x) => cr.upsample(x, { scale: 2, mode: 'bilinear' })),
      [images],
      [0, 8, 8, 2],
      [],
      [[]],
    ],
    [
      'batchNorm',
      (x, w) => cr.batchNorm(x as Tensor, null, { weight: w as Tensor }),
      [rows, cr.ones([3])],
      [0, 3],
      [],
      [[], [0, 0, 0]],
    ],
    [
      'layerNorm',
      (x, w) => cr.layerNorm(x as Tensor, 3, { bias: w as Tensor }),
      [rows, cr.ones([3])],
      [0, 3],
      [],
      [[], [0, 0, 0]],
    ],
    ['layerNorm of nothing', one((x) => cr.layerNorm(x, 0)), [columns], [3, 0], [], [[]]],
    ['rmsNorm of nothing', one((x) => cr.rmsNorm(x, 0)), [columns], [3, 0], [], [[]]],
    ['groupNorm', one((x) => cr.groupNorm(x, 2)), [zeros(2, 0, 4, 2)], [2, 0, 4, 2], [], [[]]],
    ['instanceNorm', one((x) => cr.instanceNorm(x)), [images], [0, 4, 4, 2], [], [[]]],
    ['channelMoments', one((x) => cr.channelMoments(x).mean), [rows], [3], [nan, nan, nan], [[]]],
    ['gather', one((x) => cr.gather(x, none)), [zeros(2, 3)], [0, 3], [], [sixes]],
    ['gather from no rows', one((x) => cr.gather(x, none)), [rows], [0, 3], [], [[]]],
    ['oneHot of no classes', () => cr.oneHot(none, 0), [], [0, 0], []],
    ['split into nothing', one((x) => cr.split(x, 0)[0] as Tensor), [empty], [0], [], [[]]],
    [
      'pad',
      one((x) =>
        cr.pad(x, [
          [0, 0],
          [1, 1],
        ]),
      ),
      [columns],
      [3, 2],
      sixes,
      [[]],
    ],
    [
      'concat',
      (x, y) => cr.concat([x as Tensor, y as Tensor]),
      [rows, cr.ones([1, 3])],
      [1, 3],
      [1, 1, 1],
      [[], [1, 1, 1]],
    ],
  ];
  const losses: Case[] = [
    ['crossEntropy', one((x) => nn.crossEntropy(x, none)), [rows], [], [nan], [[]]],
    [
      'crossEntropy summed',
      one((x) => nn.crossEntropy(x, none, { reduction: 'sum' })),
      [rows],
      [],
      [0],
      [[]],
    ],
    ['crossEntropy of no classes', one((x) => nn.crossEntropy(x, none)), [zeros(0, 0)], [], [nan], [[]]],
    ['nllLoss', one((x) => nn.nllLoss(x, none)), [rows], [], [nan], [[]]],
    ['mseLoss', one((x) => nn.mseLoss(x, rows)), [rows], [], [nan], [[]]],
    [
      'klDivergence',
      one((x) => nn.klDivergence(x, rows, { reduction: 'batchmean' })),
      [rows],
      [],
      [nan],
      [[]],
    ],
    ['tripletMarginLoss', one((x) => nn.tripletMarginLoss(x, x, x)), [columns], [], [1], [[]]],
  ];
  const limits: Case[] = [
    [
      'hardTanh from 0 to 0',
      one((x) => cr.hardTanh(x, 0, 0)),
      [tensor([-1, 0, 1, nan])],
      [4],
      [0, 0, 0, nan],
      [[0, 0, 0, 1]],
    ],
    ['clip from 0 to 0', one((x) => cr.clip(x, 0, 0)), [tensor([-2, 0, 2])], [3], [0, 0, 0], [[0, 1, 0]]],
    [
      'clip from 1 to -1',
      one((x) => cr.clip(x, 1, -1)),
      [tensor([-2, 0, 2])],
      [3],
      [-1, -1, -1],
      [[0, 0, 0]],
    ],
  ];
  it.each(reductions)('are reduced by %s', async (...args) => check(args));
  it.each(products)('are multiplied by %s', async (...args) => check(args));
  it.each(layers)('pass through %s', async (...args) => check(args));
  it.each(losses)('have %s', async (...args) => check(args));
  it.each(limits)('%s, two limits in one', async (...args) => check(args));

  it('leave the running statistics of batch norm as they are', async () => {
    const norm = new nn.BatchNorm1d(3);
    const step = cr.compile((x: Tensor) => norm.forward(x));
    expect((await step(rows)).shape).toEqual([0, 3]);
    step.release();
    expect([...(await (norm.running_mean as Tensor).data())]).toEqual([0, 0, 0]);
    expect([...(await (norm.running_var as Tensor).data())]).toEqual([1, 1, 1]);
  });
});
