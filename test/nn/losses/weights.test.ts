import { grad, nn, type Shape, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { takesWeights } from '#lib/nn/losses/configurable.js';
import { expectClose } from '../../helpers/close.js';
import { lossNames } from '../../helpers/loss-names.js';
import { hashIntegers, hashUniform } from '../../helpers/random-graph/random.js';

/** Weights that say how often a sample is repeated; one counts for nothing. */
const WEIGHTS = [2, 0, 1, 3];
const REPEATED = WEIGHTS.flatMap((weight, row) => Array<number>(weight).fill(row));
const ROWS = WEIGHTS.length;

type Values = Float64Array | Int32Array;
type Figure = (output: Tensor, target: Tensor, weights?: Tensor) => Tensor;

/** A figure whose values are those of a batch of `ROWS` samples. */
interface Case {
  readonly name: string;
  readonly output: Values;
  readonly target: Values;
  /** Of one sample. */
  readonly shapes: readonly [output: Shape, target: Shape];
  readonly make: (options: { readonly reduction?: nn.Reduction }) => Figure;
}

const size = (shape: Shape) => shape.reduce((a, b) => a * b, 1);
const numbers = (shape: Shape, seed: number, low = -2, high = 2) =>
  Float64Array.from(hashUniform(ROWS * size(shape), seed, low, high));
const labels = (shape: Shape, classes: number) =>
  Int32Array.from(hashIntegers(ROWS * size(shape), 3, classes));
const signs = (shape: Shape) =>
  Float64Array.from(hashIntegers(ROWS * size(shape), 4, 2), (bit) => 2 * bit - 1);

/** A figure of pairs of numbers, for samples of shape [2, 3]. */
function pairs(
  name: string,
  make: Case['make'],
  low = -2,
  high = 2,
  target = numbers([2, 3], 2, low, high),
): Case {
  return {
    name,
    output: numbers([2, 3], 1, low, high),
    target,
    shapes: [
      [2, 3],
      [2, 3],
    ],
    make,
  };
}

/** A figure of labels, for samples of a label each, or of five. */
function classes(name: string, make: Case['make'], steps: Shape = []): Case {
  const output = numbers([...steps, 4], 1);
  return { name, output, target: labels(steps, 4), shapes: [[...steps, 4], steps], make };
}

const weight = [0.5, 2, 1.25, 0.7];
const cases: Case[] = [
  pairs('mseLoss', (o) => nn.mseLoss.with(o)),
  pairs('maeLoss', (o) => nn.maeLoss.with(o)),
  pairs('huberLoss', (o) => nn.huberLoss.with({ delta: 0.5, ...o })),
  pairs('smoothL1Loss', (o) => nn.smoothL1Loss.with({ beta: 0.5, ...o })),
  pairs('binaryCrossEntropy', (o) => nn.binaryCrossEntropy.with(o), 0.05, 0.95),
  pairs('binaryCrossEntropyWithLogits', (o) => nn.binaryCrossEntropyWithLogits.with(o), 0.05, 0.95),
  pairs(
    'binaryCrossEntropyWithLogits with factors',
    (o) => nn.binaryCrossEntropyWithLogits.with({ weight: [1, 2, 3], posWeight: 3, ...o }),
    0.05,
    0.95,
  ),
  pairs('klDivergence', (o) => nn.klDivergence.with(o), 0.05, 0.95),
  pairs('poissonNLLLoss', (o) => nn.poissonNLLLoss.with(o), 0.1, 3),
  pairs('hingeLoss', (o) => nn.hingeLoss.with(o), -2, 2, signs([2, 3])),
  pairs('squaredHingeLoss', (o) => nn.squaredHingeLoss.with(o), -2, 2, signs([2, 3])),
  classes('multiMarginLoss', (o) => nn.multiMarginLoss.with(o)),
  classes('crossEntropy', (o) => nn.crossEntropy.with(o)),
  classes('crossEntropy of sequences', (o) => nn.crossEntropy.with(o), [5]),
  classes(
    'crossEntropy with every option',
    (o) => nn.crossEntropy.with({ weight, ignoreIndex: 3, labelSmoothing: 0.2, ...o }),
    [5],
  ),
  {
    ...classes('crossEntropy of probabilities', (o) => nn.crossEntropy.with({ weight, ...o })),
    target: numbers([4], 5, 0.1, 0.9),
    shapes: [[4], [4]],
  },
  classes('nllLoss', (o) => nn.nllLoss.with({ weight, ignoreIndex: 1, ...o }), [5]),
];
const metrics: Case[] = [
  pairs('meanAbsoluteError', () => nn.meanAbsoluteError),
  pairs('binaryAccuracy', () => nn.binaryAccuracy.with({ threshold: 0.1 }), -2, 2, signs([2, 3])),
  classes('accuracy', () => nn.accuracy),
  classes('accuracy of sequences', () => nn.accuracy.with({ ignoreIndex: 2 }), [5]),
  classes('topKAccuracy', () => nn.topKAccuracy.with({ k: 2 }), [5]),
];

/** The tensor of some rows of a case's values. */
function rowsOf(values: Values, shape: Shape, rows: readonly number[]): Tensor {
  const stride = size(shape);
  const chosen = rows.flatMap((row) => [...values.subarray(row * stride, (row + 1) * stride)]);
  const array = values instanceof Int32Array ? Int32Array.from(chosen) : Float64Array.from(chosen);
  return tensor(array, { shape: [rows.length, ...shape] });
}

/** Output and target of some rows. */
const batchOf = ({ output, target, shapes }: Case, rows: readonly number[]) =>
  [rowsOf(output, shapes[0], rows), rowsOf(target, shapes[1], rows)] as const;
const all = [...WEIGHTS.keys()];
const weightTensor = tensor(Float32Array.from(WEIGHTS));

describe('with weights of samples', () => {
  it.each(cases)('$name gives value and gradients of repeated samples', async (one) => {
    for (const reduction of ['mean', 'sum'] as const) {
      const figure = one.make({ reduction });
      const [output, target] = batchOf(one, all);
      const weighted = figure(output, target, weightTensor);
      const [manyOutputs, manyTargets] = batchOf(one, REPEATED);
      const repeated = figure(manyOutputs, manyTargets);
      expectClose(reduction, await weighted.data(), await repeated.data(), { relative: 1e-12 });
      const [found, parts] = await Promise.all([
        grad(weighted, [output])[0]?.data() ?? [],
        grad(repeated, [manyOutputs])[0]?.data() ?? [],
      ]);
      const stride = size(one.shapes[0]);
      const expected = Array<number>(found.length).fill(0);
      REPEATED.forEach((row, i) => {
        for (let j = 0; j < stride; j++) {
          const at = row * stride + j;
          expected[at] = (expected[at] as number) + (parts[i * stride + j] as number);
        }
      });
      expectClose(`gradients by ${reduction}`, found, expected, { relative: 1e-12 });
    }
  });

  it.each(cases)("$name by 'none' gives each value times its weight", async (one) => {
    const figure = one.make({ reduction: 'none' });
    const [output, target] = batchOf(one, all);
    const [found, values] = await Promise.all([
      figure(output, target, weightTensor).data(),
      figure(output, target).data(),
    ]);
    const each = values.length / ROWS;
    expectClose(
      'none',
      found,
      values.map((value, i) => value * (WEIGHTS[Math.floor(i / each)] as number)),
      {
        relative: 1e-12,
      },
    );
  });

  it.each(metrics)('$name gives the value of repeated samples', async (one) => {
    const figure = one.make({});
    const value = await figure(...batchOf(one, all), weightTensor).data();
    expectClose('value', value, await figure(...batchOf(one, REPEATED)).data(), { relative: 1e-6 });
    expect(Number(value[0])).toBeGreaterThan(0);
  });

  it.each([...cases, ...metrics])('$name does not depend on the unit of the weights', async (one) => {
    const figure = one.make({});
    const values = await Promise.all(
      [1, 0.37].map((unit) =>
        figure(...batchOf(one, all), tensor(Float64Array.from(WEIGHTS, (weight) => unit * weight))).data(),
      ),
    );
    expectClose('value', values[1] ?? [], values[0] ?? [], { relative: 1e-6 });
  });

  it.each([...cases, ...metrics])('$name is 0, not NaN, where nothing counts', async (one) => {
    const figure = one.make({});
    const [output, target] = batchOf(one, all);
    const value = figure(output, target, tensor(new Float32Array(ROWS)));
    expect([...(await value.data())]).toEqual([0]);
    if (cases.includes(one)) expect(new Set(await grad(value, [output])[0]?.data())).toEqual(new Set([0]));
  });

  it('each position of a sequence may have its own', async () => {
    const ofSteps = Float64Array.from(hashIntegers(ROWS * 5, 6, 3));
    const [output, target] = batchOf(
      classes('', () => nn.accuracy, [5]),
      all,
    );
    const losses = [...(await nn.crossEntropy(output, target, { reduction: 'none' }).data())];
    const found = nn.crossEntropy(output, target, tensor(ofSteps, { shape: [ROWS, 5] }));
    const sum = losses.reduce((total, loss, i) => total + loss * (ofSteps[i] as number), 0);
    const expected = sum / ofSteps.reduce((a, b) => a + b);
    expectClose('crossEntropy', await found.data(), [expected], { relative: 1e-12 });
  });

  it("klDivergence by 'batchmean' divides by the sum of the weights", async () => {
    const one = pairs('klDivergence', () => nn.klDivergence, 0.05, 0.95);
    const divergence = nn.klDivergence.with({ reduction: 'batchmean' });
    const value = divergence(...batchOf(one, all), weightTensor);
    const repeated = divergence(...batchOf(one, REPEATED));
    expectClose('batchmean', await value.data(), await repeated.data(), { relative: 1e-12 });
  });

  it('every loss and metric of output and target is checked here, and those of three tensors take none', () => {
    const checked = new Set([...cases, ...metrics].map(({ name }) => name.split(' ')[0] as string));
    const ofThree = ['cosineEmbeddingLoss', 'gaussianNLLLoss', 'tripletMarginLoss'];
    expect(lossNames.filter((name) => !checked.has(name)).sort()).toEqual(ofThree);
    for (const name of [...checked, ...ofThree]) {
      const figure: unknown = Reflect.get(nn, name);
      expect([name, takesWeights(figure as () => unknown)]).toEqual([name, checked.has(name)]);
    }
  });
});

describe('weights are refused', () => {
  const output = tensor(new Float32Array(6), { shape: [3, 2] });
  it.each<[string, Tensor, string]>([
    ['of another number of samples', tensor([1, 2]), '[2] for [3,2]'],
    ['of no samples', tensor(1), '[] for [3,2]'],
    ['of more axes than the values', tensor(new Float32Array(6), { shape: [3, 2, 1] }), '[3,2,1] for [3,2]'],
  ])('%s', (_, weights, shapes) => {
    expect(() => nn.mseLoss(output, output, weights)).toThrow(
      `mseLoss: weights must have the first axes of the values, a weight for each sample, got ${shapes}`,
    );
  });

  it('that are no tensor, and beside options', () => {
    expect(() => Reflect.apply(nn.mseLoss, nn, [output, output, [1, 2, 3]])).toThrow(
      'mseLoss: options must be a plain object, or the weights of samples, a tensor, got [1,2,3]',
    );
    expect(() => Reflect.apply(nn.mseLoss.with({}), nn, [output, output, [1, 2, 3]])).toThrow(
      'mseLoss: weights must be a tensor, got [1,2,3]',
    );
    expect(() => Reflect.apply(nn.gaussianNLLLoss, nn, [output, output, output, output])).toThrow(
      'gaussianNLLLoss: options must be a plain object, got an instance of Tensor',
    );
  });
});
