import { compile, nn, ones, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { type BadCall, expectBadCall } from '../../helpers/errors.js';
import { failure } from '../../helpers/graphs.js';
import { lossNames } from '../../helpers/loss-names.js';

const x = ones([2, 3]);
const labels = tensor(Int32Array.of(0, 1));
const whole = tensor(Int32Array.of(1, 2, 3));
const nothing = undefined as unknown as Tensor;

const shape = (name: string) => `${name}: output and target must have one shape, got [2,3] and [2]`;
const reductionsOf = (name: string) =>
  name === 'klDivergence' ? "'mean', 'sum', 'none' or 'batchmean'" : "'mean', 'sum' or 'none'";
const reduction = (name: string) => `${name}: reduction must be ${reductionsOf(name)}, got average`;
const average = { reduction: 'average' as 'mean' };

const { mseLoss, maeLoss, huberLoss, smoothL1Loss, hingeLoss, squaredHingeLoss } = nn;
const { binaryCrossEntropy, binaryCrossEntropyWithLogits, klDivergence, poissonNLLLoss } = nn;
const ofPairs = {
  ...{ mseLoss, maeLoss, huberLoss, smoothL1Loss, hingeLoss, squaredHingeLoss },
  ...{ binaryCrossEntropy, binaryCrossEntropyWithLogits, klDivergence, poissonNLLLoss },
};
const pairs: BadCall[] = Object.entries(ofPairs).flatMap(([name, loss]): BadCall[] => [
  [`${name} of other shapes`, () => loss(x, ones([2])), shape(name)],
  [`${name} with an unknown reduction`, () => loss(x, x, average), reduction(name)],
  [`${name} of integers`, () => loss(whole, whole), `${name}: output must be float32 or float64, got int32`],
  [
    `${name} of an array`,
    () => loss(x, [1, 2] as unknown as Tensor),
    `${name}: target must be a tensor, got [1,2]`,
  ],
]);

const reductions = lossNames.map((name): BadCall => {
  const loss = nn[name as 'mseLoss'];
  return [`${name}.with an unknown reduction`, () => loss.with(average), reduction(name)];
});

const { crossEntropy, nllLoss, multiMarginLoss } = nn;
const ofLabels = { crossEntropy, nllLoss, multiMarginLoss };
const classes: BadCall[] = Object.entries(ofLabels).flatMap(([name, loss]): BadCall[] => [
  [
    `${name} of too few labels`,
    () => loss(x, tensor(Int32Array.of(1))),
    `${name}: labels must have the shape of the logits without the last axis, got [2,3] and [1]`,
  ],
  [`${name} with an unknown reduction`, () => loss(x, labels, average), reduction(name)],
  [
    `${name} of a label out of range, before training`,
    () => loss.checkTargets(Int32Array.of(0, 3), [3]),
    `${name}: label at position 1 must be from 0 to 2, got 3`,
  ],
]);

const others: BadCall[] = [
  [
    'crossEntropy of nothing',
    () => nn.crossEntropy(x, nothing),
    'crossEntropy: target must be a tensor, got undefined',
  ],
  [
    'crossEntropy with a number for options',
    () => nn.crossEntropy(x, labels, 1 as unknown as object),
    'crossEntropy: options must be a plain object such as { ignoreIndex: 1 }, got 1',
  ],
  [
    'crossEntropy with too much smoothing',
    () => nn.crossEntropy.with({ labelSmoothing: 1.5 }),
    'crossEntropy: labelSmoothing must be from 0 to 1, got 1.5',
  ],
  [
    'crossEntropy with too few weights',
    () => nn.crossEntropy(x, labels, { weight: [1, 2] }),
    'crossEntropy: weight must have the shape [3], got [2]',
  ],
  [
    'crossEntropy with a negative weight',
    () => nn.crossEntropy.with({ weight: [1, -1] }),
    'crossEntropy: weight must hold finite numbers of at least 0, got [1,-1]',
  ],
  [
    'crossEntropy that ignores half',
    () => nn.crossEntropy.with({ ignoreIndex: 0.5 }),
    'crossEntropy: ignoreIndex must be an integer from -2147483648 to 2147483647, got 0.5',
  ],
  [
    'crossEntropy that ignores probabilities',
    () => nn.crossEntropy(x, x, { ignoreIndex: 1 }),
    'crossEntropy: ignoreIndex needs labels for targets, got float32',
  ],
  [
    'crossEntropy of integers',
    () => nn.crossEntropy(whole, labels),
    'crossEntropy: logits must be float32 or float64, got int32',
  ],
  [
    'crossEntropy of a probability below 0, before training',
    () => nn.crossEntropy.checkTargets(Float32Array.of(1, -1), [2]),
    'crossEntropy: target at position 1 must be a finite number of at least 0, got -1',
  ],
  [
    'nllLoss of float labels',
    () => nn.nllLoss(x, ones([2])),
    'nllLoss: labels must be int32 or uint8, got float32',
  ],
  [
    'nllLoss with weights for others',
    () => nn.nllLoss(x, labels, { weight: ones([4]) }),
    'nllLoss: weight must have the shape [3], got [4]',
  ],
  [
    'binaryCrossEntropy with weights for others',
    () => nn.binaryCrossEntropy(x, x, { weight: ones([2, 2, 3]) }),
    'binaryCrossEntropy: weight must broadcast to the shape of the output, got [2,2,3] for [2,3]',
  ],
  [
    'binaryCrossEntropyWithLogits with a negative posWeight',
    () => nn.binaryCrossEntropyWithLogits.with({ posWeight: -1 }),
    'binaryCrossEntropyWithLogits: posWeight must be a non-negative number or a tensor or an array of numbers, got -1',
  ],
  [
    'binaryCrossEntropyWithLogits with weights for nothing',
    () => nn.binaryCrossEntropyWithLogits(x, x, { weight: [1, 2] }),
    'binaryCrossEntropyWithLogits: shapes do not broadcast, [2] and [2,3]',
  ],
  [
    'binaryCrossEntropy of a target of 2, before training',
    () => nn.binaryCrossEntropy.checkTargets(Uint8Array.of(0, 2), [1]),
    'binaryCrossEntropy: target at position 1 must be from 0 to 1, got 2',
  ],
  [
    'hingeLoss of a target of 0, before training',
    () => nn.hingeLoss.checkTargets(Int32Array.of(1, 0), [1]),
    'hingeLoss: target at position 1 must be -1 or 1, got 0',
  ],
  [
    'hingeLoss with a negative margin',
    () => nn.hingeLoss.with({ margin: -1 }),
    'hingeLoss: margin must be a non-negative number, got -1',
  ],
  [
    'huberLoss with no delta',
    () => nn.huberLoss.with({ delta: 0 }),
    'huberLoss: delta must be a positive number, got 0',
  ],
  [
    'smoothL1Loss with a negative beta',
    () => nn.smoothL1Loss.with({ beta: -1 }),
    'smoothL1Loss: beta must be a non-negative number, got -1',
  ],
  [
    'multiMarginLoss of cubes',
    () => nn.multiMarginLoss.with({ p: 3 as 2 }),
    'multiMarginLoss: p must be 1 or 2, got 3',
  ],
  [
    'multiMarginLoss with NaN for a margin',
    () => nn.multiMarginLoss.with({ margin: Number.NaN }),
    'multiMarginLoss: margin must be a finite number, got NaN',
  ],
  [
    'poissonNLLLoss with negative eps',
    () => nn.poissonNLLLoss.with({ eps: -1 }),
    'poissonNLLLoss: eps must be a non-negative number, got -1',
  ],
  [
    'gaussianNLLLoss with other variances',
    () => nn.gaussianNLLLoss(x, x, ones([3])),
    'gaussianNLLLoss: mean and variance must have one shape, got [2,3] and [3]',
  ],
  [
    'gaussianNLLLoss with no eps',
    () => nn.gaussianNLLLoss.with({ eps: 0 }),
    'gaussianNLLLoss: eps must be a positive number, got 0',
  ],
  [
    'gaussianNLLLoss of two tensors',
    () => nn.gaussianNLLLoss(x, x, nothing),
    'gaussianNLLLoss: variance must be a tensor, got undefined',
  ],
  [
    'cosineEmbeddingLoss of other vectors',
    () => nn.cosineEmbeddingLoss(x, ones([2, 4]), labels),
    'cosineEmbeddingLoss: first and second must have one shape, got [2,3] and [2,4]',
  ],
  [
    'cosineEmbeddingLoss of too few targets',
    () => nn.cosineEmbeddingLoss(x, x, ones([3])),
    'cosineEmbeddingLoss: there must be one target for each pair, got [2,3] and [3]',
  ],
  [
    'cosineEmbeddingLoss with a wide margin',
    () => nn.cosineEmbeddingLoss.with({ margin: 2 }),
    'cosineEmbeddingLoss: margin must be from -1 to 1, got 2',
  ],
  [
    'tripletMarginLoss of other vectors',
    () => nn.tripletMarginLoss(x, x, ones([3, 3])),
    'tripletMarginLoss: anchor and negative must have one shape, got [2,3] and [3,3]',
  ],
  [
    'tripletMarginLoss of numbers',
    () => nn.tripletMarginLoss(ones([]), ones([]), ones([])),
    'tripletMarginLoss: vectors must have at least one axis, got []',
  ],
  [
    'tripletMarginLoss with half a norm',
    () => nn.tripletMarginLoss.with({ p: 0.5 }),
    'tripletMarginLoss: p must be at least 1, got 0.5',
  ],
  [
    'tripletMarginLoss with no margin',
    () => nn.tripletMarginLoss.with({ margin: 0 }),
    'tripletMarginLoss: margin must be a positive number, got 0',
  ],
  [
    'accuracy of too few labels',
    () => nn.accuracy(x, ones([3])),
    'accuracy: labels must have the shape of the logits without the last axis, got [2,3] and [3]',
  ],
  [
    'accuracy that ignores half',
    () => nn.accuracy.with({ ignoreIndex: 0.5 }),
    'accuracy: ignoreIndex must be an integer, got 0.5',
  ],
  [
    'topKAccuracy of nothing',
    () => nn.topKAccuracy.with({ k: 0 }),
    'topKAccuracy: k must be a positive integer, got 0',
  ],
  [
    'topKAccuracy of too few labels',
    () => nn.topKAccuracy(x, whole),
    'topKAccuracy: labels must have the shape of the logits without the last axis, got [2,3] and [3]',
  ],
  ['binaryAccuracy of other shapes', () => nn.binaryAccuracy(x, ones([2])), shape('binaryAccuracy')],
  [
    'binaryAccuracy above NaN',
    () => nn.binaryAccuracy.with({ threshold: Number.NaN }),
    'binaryAccuracy: threshold must be a finite number, got NaN',
  ],
  ['meanAbsoluteError of other shapes', () => nn.meanAbsoluteError(x, ones([2])), shape('meanAbsoluteError')],
];

describe('a bad argument of a loss or a metric', () => {
  it.each([...pairs, ...reductions, ...classes, ...others])('%s', (_, call, message) => {
    expectBadCall(call, message, 'errors.test.ts');
  });

  it('options that nothing is given for are those by default', async () => {
    const given = await nn.mseLoss(x, x.mul(3), undefined).item();
    expect(given).toBe(4);
    expect(() => nn.mseLoss.with(null as unknown as object)).toThrow(
      'mseLoss: options must be a plain object, got null',
    );
  });

  it.each(Object.entries(ofLabels))('%s refuses a label out of range when it runs', async (name, loss) => {
    const run = compile((logits: Tensor, target: Tensor) => loss(logits, target));
    const error = await failure(run(x, tensor(Int32Array.of(0, 3))));
    expect(error.message).toBe(`${name}: index 3 at position 1 is outside 0..2`);
    run.release();
  });

  it('a label that is ignored may be out of range, any other may not', async () => {
    const loss = nn.crossEntropy.with({ ignoreIndex: -100 });
    loss.checkTargets(Int32Array.of(0, -100, 2), [3]);
    expect(() => loss.checkTargets(Int32Array.of(0, -99), [3])).toThrow(
      'crossEntropy: label at position 1 must be from 0 to 2, got -99',
    );
    const run = compile((logits: Tensor, target: Tensor) => loss(logits, target));
    expect(await (await run(x, tensor(Int32Array.of(1, -100)))).item()).toBeCloseTo(Math.log(3), 6);
    const error = await failure(run(x, tensor(Int32Array.of(1, -1))));
    expect(error.message).toBe('crossEntropy: index -1 at position 1 is outside 0..2');
    run.release();
  });
});
