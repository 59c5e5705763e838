import { compile, grad, nn, type Shape, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { lossNames } from '../../helpers/loss-names.js';

type Loss = (x: Tensor) => Tensor;

const far = [
  [1e4, -1e4, 0, 1e4],
  [-1e4, -1e4, -1e4, 1e4],
  [1e4, 1e4, 1e4, 1e4],
  [0, 0, 0, 0],
  [-1e4, 3, -3, 1e-4],
  [1e4, -9999, 5000, 88],
];
const shape: Shape = [6, 4];
const labels = tensor(Int32Array.of(1, 0, 3, 2, 0, 1));
const shares = [0, 0.25, 0.5, 0.25];
const rows = (f: (i: number) => number, dtype: Tensor['dtype']) =>
  tensor(
    Array.from({ length: 24 }, (_, i) => f(i)),
    { shape, dtype },
  );
const yes = (i: number) => [0, 1, 0.3][i % 3] as number;
const sign = (i: number) => (i % 3 === 0 ? -1 : 1);

/** Every loss of one output, of which the elements are far out. */
const losses: Record<string, Loss> = {
  crossEntropy: (x) => nn.crossEntropy(x, labels),
  'crossEntropy with every option': (x) =>
    nn.crossEntropy(x, labels, { labelSmoothing: 0.1, weight: [1, 2, 0, 3], ignoreIndex: 3 }),
  'crossEntropy of probabilities': (x) =>
    nn.crossEntropy(
      x,
      rows((i) => shares[i % 4] as number, x.dtype),
    ),
  nllLoss: (x) => nn.nllLoss(x, labels),
  multiMarginLoss: (x) => nn.multiMarginLoss(x, labels),
  'multiMarginLoss squared': (x) => nn.multiMarginLoss(x, labels, { p: 2 }),
  binaryCrossEntropyWithLogits: (x) => nn.binaryCrossEntropyWithLogits(x, rows(yes, x.dtype)),
  'binaryCrossEntropyWithLogits with posWeight': (x) =>
    nn.binaryCrossEntropyWithLogits(x, rows(yes, x.dtype), { posWeight: 5 }),
  'binaryCrossEntropy of sigmoids': (x) => nn.binaryCrossEntropy(x.sigmoid(), rows(yes, x.dtype)),
  mseLoss: (x) => nn.mseLoss(x, rows(yes, x.dtype)),
  maeLoss: (x) => nn.maeLoss(x, rows(yes, x.dtype)),
  huberLoss: (x) => nn.huberLoss(x, rows(yes, x.dtype)),
  smoothL1Loss: (x) => nn.smoothL1Loss(x, rows(yes, x.dtype)),
  hingeLoss: (x) => nn.hingeLoss(x, rows(sign, x.dtype)),
  squaredHingeLoss: (x) => nn.squaredHingeLoss(x, rows(sign, x.dtype)),
  'klDivergence of logSoftmax': (x) =>
    nn.klDivergence(
      x.logSoftmax(),
      rows((i) => shares[i % 4] as number, x.dtype),
      { reduction: 'batchmean' },
    ),
  'klDivergence of logTarget': (x) =>
    nn.klDivergence(
      x.logSoftmax(),
      rows((i) => Math.log((shares[i % 4] as number) || 1e-30), x.dtype),
      {
        logTarget: true,
      },
    ),
  'poissonNLLLoss of rates': (x) =>
    nn.poissonNLLLoss(
      x.abs(),
      rows((i) => i, x.dtype),
      { logInput: false, full: true },
    ),
  gaussianNLLLoss: (x) => nn.gaussianNLLLoss(x, rows(yes, x.dtype), x.abs()),
  cosineEmbeddingLoss: (x) =>
    nn.cosineEmbeddingLoss(
      x,
      rows((i) => (i % 2 ? 1e4 : -1e4), x.dtype),
      tensor([1, -1, 1, -1, 1, -1]),
    ),
  ...Object.fromEntries(
    [1, 2, 3, 10, Number.POSITIVE_INFINITY].map((p): [string, Loss] => [
      `tripletMarginLoss of p ${p}`,
      (x) => {
        // No two elements of one size, whose order float32 and float64 might see differently.
        const apart = x.mul(rows((i) => 1 + i / 100, x.dtype));
        return nn.tripletMarginLoss(apart, apart.mul(-0.25), apart.mul(0.5), { p, swap: true });
      },
    ]),
  ),
};

const derivatives = (loss: Loss) => (x: Tensor) => {
  const value = loss(x);
  return [value, ...grad(value, [x])];
};

describe('losses of outputs of ±10,000', () => {
  it.each(Object.entries(losses))(
    '%s is finite in float32, with its gradient, and right',
    async (_, loss) => {
      const run = compile(derivatives(loss));
      const results = await Promise.all(
        (['float32', 'float64'] as const).map(async (dtype) => {
          const outputs = await run(tensor(far, { dtype }));
          return Promise.all(outputs.map(async (output) => [...(await output.data())]));
        }),
      );
      run.release();
      const [single, double] = results as [number[][], number[][]];
      double.forEach((list, order) => {
        list.forEach((value, i) => {
          const found = single[order]?.[i] as number;
          expect(Number.isFinite(found), `element ${i} of derivative ${order} is ${found}`).toBe(true);
          const size = Math.max(1, Math.abs(value));
          expect(Math.abs(found - value), `element ${i} of derivative ${order}`).toBeLessThanOrEqual(
            1e-5 * size,
          );
        });
      });
    },
  );

  it('poissonNLLLoss of log-rates overflows to infinity, never to NaN', async () => {
    const [value, slope] = await Promise.all(
      derivatives((x) =>
        nn.poissonNLLLoss(
          x,
          rows((i) => i, x.dtype),
        ),
      )(tensor(far)).map((x) => x.data()),
    );
    expect(value?.[0]).toBe(Number.POSITIVE_INFINITY);
    expect([...(slope ?? [])].some(Number.isNaN)).toBe(false);
  });

  it('every loss of the package is among them', () => {
    const checked = new Set(Object.keys(losses).map((name) => name.split(' ')[0]));
    expect(lossNames.filter((name) => !checked.has(name))).toEqual([]);
  });

  it('what masked logits of -Infinity do not touch stays finite', async () => {
    const logits = tensor([
      [1, Number.NEGATIVE_INFINITY, 2],
      [Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY],
    ]);
    const loss = derivatives((x) => nn.crossEntropy(x, tensor(Int32Array.of(0, 1))))(logits);
    const [value, slope] = await Promise.all(loss.map((x) => x.data()));
    const p = 1 / (1 + Math.E);
    expect(value?.[0]).toBeCloseTo(-Math.log(p) / 2, 6);
    expect([...(slope ?? [])].map((s) => Math.round(s * 1e6) / 1e6 + 0)).toEqual(
      [(p - 1) / 2, 0, (1 - p) / 2, 0, 0, 0].map((s) => Math.round(s * 1e6) / 1e6 + 0),
    );
  });

  it('losses of nothing but ignored samples are 0, and so are their gradients', async () => {
    for (const loss of [nn.crossEntropy, nn.nllLoss]) {
      const ignored = tensor(new Int32Array(6).fill(-1));
      const options = { ignoreIndex: -1, weight: [1, 2, 3, 4] };
      const [value, slope] = await Promise.all(
        derivatives((x) => loss(x, ignored, options))(tensor(far)).map((x) => x.data()),
      );
      expect([...(value ?? []), ...(slope ?? [])].every((number) => number === 0)).toBe(true);
    }
  });
});
