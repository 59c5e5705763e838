import { nn, type Tensor, tensor } from 'chainrule';
import type { Fn } from '../../helpers/check-op.js';
import { hashUniform } from '../../helpers/random-graph/random.js';
import { describeRecorded } from '../../helpers/recorded.js';

const two = (f: (output: Tensor, target: Tensor) => Tensor): Fn => f as Fn;
const one = (f: (output: Tensor) => Tensor): Fn => f as Fn;
const formula = (count: number, seed: number, low: number, high: number) =>
  Float32Array.from(hashUniform(count, seed, low, high));

const reductions = ['mean', 'sum', 'none'] as const;
const weight = tensor(formula(5, 38, 0.2, 2));
const cases: Record<string, Fn> = {
  crossEntropy: two(nn.crossEntropy),
  'crossEntropy of large logits': two(nn.crossEntropy),
  'crossEntropy on more axes': two(nn.crossEntropy),
  'crossEntropy with weight': two(nn.crossEntropy.with({ weight })),
  'crossEntropy with labelSmoothing': two((x, y) => nn.crossEntropy(x, y, { labelSmoothing: 0.3 })),
  'crossEntropy with ignoreIndex': two(nn.crossEntropy.with({ ignoreIndex: -100 })),
  'crossEntropy with weight on more axes': two((x, y) =>
    nn.crossEntropy(x, y, { weight: weight.slice([[0, 4]]), ignoreIndex: 1 }),
  ),
  'crossEntropy of probabilities': two(nn.crossEntropy),
  'crossEntropy of probabilities with options': two(nn.crossEntropy.with({ weight, labelSmoothing: 0.2 })),
  'crossEntropy of probabilities on more axes': two(nn.crossEntropy),
  'crossEntropy of extreme logits': two(nn.crossEntropy.with({ reduction: 'none' })),
  'crossEntropy of extreme logits, smoothed': two(nn.crossEntropy.with({ labelSmoothing: 0.1 })),
  'crossEntropy of extreme logits and probabilities': two(nn.crossEntropy),
  nllLoss: two(nn.nllLoss),
};
for (const reduction of reductions) {
  const options = { weight, reduction };
  cases[`crossEntropy with all options, ${reduction}`] = two(
    nn.crossEntropy.with({ ...options, ignoreIndex: 3, labelSmoothing: 0.1 }),
  );
  cases[`nllLoss with options, ${reduction}`] = two(nn.nllLoss.with({ ...options, ignoreIndex: 3 }));
}

const withLogits = nn.binaryCrossEntropyWithLogits;
const factors = tensor(formula(20, 53, 0.2, 2), { shape: [4, 5] });
const posWeight = tensor(formula(5, 54, 0.5, 3));
const truth = tensor([0, 0.25, 1, 0, 0.25, 1, 0, 1, 0, 1]);
Object.assign(cases, {
  binaryCrossEntropyWithLogits: two(withLogits),
  'binaryCrossEntropyWithLogits of labels': two(withLogits),
  'binaryCrossEntropyWithLogits at 0': two(withLogits),
  'binaryCrossEntropyWithLogits with weight': two(withLogits.with({ weight: factors })),
  'binaryCrossEntropyWithLogits with posWeight': two(withLogits.with({ posWeight, reduction: 'sum' })),
  'binaryCrossEntropyWithLogits with both': two(
    withLogits.with({ weight: factors, posWeight, reduction: 'none' }),
  ),
  'binaryCrossEntropyWithLogits of extreme logits': two(withLogits.with({ reduction: 'none' })),
  'binaryCrossEntropyWithLogits of extreme logits and labels': two(withLogits),
  binaryCrossEntropy: two(nn.binaryCrossEntropy),
  'binaryCrossEntropy of labels': two(nn.binaryCrossEntropy.with({ reduction: 'sum' })),
  'binaryCrossEntropy with weight': two(nn.binaryCrossEntropy.with({ weight: factors, reduction: 'none' })),
  'binaryCrossEntropy at the edges': one((p) => nn.binaryCrossEntropy(p, truth, { reduction: 'none' })),
});

const { mseLoss, maeLoss, huberLoss, smoothL1Loss } = nn;
for (const [name, loss] of Object.entries({ mseLoss, maeLoss, huberLoss, smoothL1Loss })) {
  cases[name] = two(loss);
  cases[`${name} sum`] = two((x, y) => loss(x, y, { reduction: 'sum' }));
  cases[`${name} none`] = two((x, y) => loss(x, y, { reduction: 'none' }));
  cases[`${name} at kinks`] = two(loss.with({ reduction: 'none' }));
}
Object.assign(cases, {
  'huberLoss with delta': two(nn.huberLoss.with({ delta: 0.5 })),
  'smoothL1Loss with beta': two(nn.smoothL1Loss.with({ beta: 0.5 })),
  'smoothL1Loss with a beta of 0': two(nn.smoothL1Loss.with({ beta: 0 })),
});

Object.assign(cases, {
  hingeLoss: two(nn.hingeLoss),
  'hingeLoss with margin': two(nn.hingeLoss.with({ margin: 0.3, reduction: 'none' })),
  'hingeLoss of extreme outputs': two(nn.hingeLoss.with({ reduction: 'none' })),
  squaredHingeLoss: two(nn.squaredHingeLoss),
  'squaredHingeLoss of extreme outputs': two(nn.squaredHingeLoss.with({ reduction: 'none' })),
  multiMarginLoss: two(nn.multiMarginLoss),
  'multiMarginLoss with options': two(nn.multiMarginLoss.with({ p: 2, margin: 0.4, reduction: 'none' })),
  'multiMarginLoss of extreme outputs': two(nn.multiMarginLoss),
});

const none = tensor([
  [0, 1, 0, 0],
  [0.5, 0, 0.5, 0],
]);
for (const reduction of [...reductions, 'batchmean'] as const) {
  cases[`klDivergence ${reduction}`] = two(nn.klDivergence.with({ reduction }));
}
const counts = tensor(
  formula(12, 72, 0, 1).map((u) => Math.floor(6 * u)),
  { shape: [4, 3] },
);
Object.assign(cases, {
  'klDivergence of logTarget': two(nn.klDivergence.with({ logTarget: true, reduction: 'sum' })),
  'klDivergence of zeros': one((x) => nn.klDivergence(x, none, { reduction: 'sum' })),
  poissonNLLLoss: two(nn.poissonNLLLoss),
  'poissonNLLLoss of rates': one((x) =>
    nn.poissonNLLLoss(x, counts, { logInput: false, full: true, reduction: 'none' }),
  ),
  'poissonNLLLoss in full': one((x) => nn.poissonNLLLoss(x, counts, { full: true })),
  gaussianNLLLoss: nn.gaussianNLLLoss as Fn,
  'gaussianNLLLoss of tiny variances': nn.gaussianNLLLoss.with({
    full: true,
    eps: 1e-2,
    reduction: 'none',
  }) as Fn,
});

const sign = tensor([1, -1, 1, -1, -1]);
const triplet = nn.tripletMarginLoss;
Object.assign(cases, {
  cosineEmbeddingLoss: two((x, y) => nn.cosineEmbeddingLoss(x, y, sign)),
  'cosineEmbeddingLoss with margin': two((x, y) =>
    nn.cosineEmbeddingLoss(x, y, sign, { margin: 0.2, reduction: 'none' }),
  ),
  'cosineEmbeddingLoss of extreme vectors': two((x, y) =>
    nn.cosineEmbeddingLoss(x, y, tensor([1, 1, 1, 1]), { reduction: 'none' }),
  ),
  tripletMarginLoss: triplet as Fn,
  'tripletMarginLoss with p 1.0': triplet.with({ margin: 0.5, p: 1, reduction: 'none' }) as Fn,
  'tripletMarginLoss with p 3.0': triplet.with({ margin: 0.5, p: 3, reduction: 'none' }) as Fn,
  'tripletMarginLoss with p inf': triplet.with({
    margin: 0.5,
    p: Number.POSITIVE_INFINITY,
    reduction: 'none',
  }) as Fn,
  'tripletMarginLoss with swap': triplet.with({ swap: true, reduction: 'sum' }) as Fn,
  'tripletMarginLoss of equal vectors': triplet.with({ p: 3, eps: 0 }) as Fn,
  'tripletMarginLoss of extreme vectors': triplet as Fn,
  accuracy: two(nn.accuracy),
  'accuracy with ignoreIndex': two((x, y) => nn.accuracy(x, y, { ignoreIndex: 1 })),
  topKAccuracy: two(nn.topKAccuracy.with({ k: 2 })),
  binaryAccuracy: two(nn.binaryAccuracy),
  meanAbsoluteError: two(nn.meanAbsoluteError),
});

describeRecorded('losses', cases);
