import { data, nn, optim, type Tensor, zeros } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../../helpers/close.js';
import {
  batchesOfFour,
  clickLoss,
  inputs,
  LR,
  losses,
  type Outputs,
  rows,
  samples,
  stepsByHand,
  targets,
  train,
  trainerOf,
  type WholeLoss,
} from '../../helpers/models/recommender.js';
import { parametersOf } from '../../helpers/training.js';

const precise = { relative: 1e-12 };
/** How often each sample is repeated; the third batch of four weighs nothing. */
const WEIGHTS = [1, 3, 2, 0, 0, 2, 1, 4, 0, 0, 0];
const repeated = WEIGHTS.flatMap((weight, row) => Array<number>(weight).fill(row));
const weights = Float32Array.from(WEIGHTS);
const weighted = samples({ weights });

const weightedMean = (values: Tensor, weight: Tensor): Tensor =>
  values.mul(weight).sum().div(weight.sum().maximum(1));
const ratingOf: WholeLoss = (output, target, weight) =>
  weightedMean(output.rating.sub(target.rating).square(), weight);
const clickOf: WholeLoss = (output, { click }, weight) =>
  weightedMean(
    nn.crossEntropy(output.click, click.maximum(0), { reduction: 'none' }),
    weight.mul(click.ge(0).to('float64')),
  );

describe('weights of samples in training', () => {
  const cases: [string, Parameters<typeof train>[0], WholeLoss][] = [
    ['several losses', {}, (...batch) => ratingOf(...batch).add(clickOf(...batch))],
    [
      'one of them',
      { loss: { click: clickLoss }, metrics: { rating: { mae: nn.meanAbsoluteError } } },
      clickOf,
    ],
    [
      'a function of its own',
      {
        loss: (output, target, weight) => ({
          sum: output.rating
            .sub(target.rating)
            .square()
            .mul((weight as Tensor).to('float64'))
            .sum(),
          weight: (weight as Tensor).sum(),
        }),
        metrics: { click: { accuracy: nn.accuracy } },
      },
      ratingOf,
    ],
    [
      'a total',
      {
        loss: { rating: nn.mseLoss.with({ reduction: 'sum' }), click: clickLoss },
        lossWeights: { click: 0.5 },
      },
      (output, target, weight) =>
        output.rating
          .sub(target.rating)
          .square()
          .mul(weight)
          .sum()
          .add(clickOf(output, target, weight).mul(0.5)),
    ],
  ];

  it.each(cases)('of %s are exact in any number of shards', async (_, options, byHand) => {
    // The last batch weighs nothing.
    const expected = await stepsByHand(byHand, batchesOfFour, WEIGHTS);
    for (const shards of [1, 2, 3, 8]) {
      const found = await train({ ...options, data: weighted, shards });
      expectClose(`losses in ${shards}`, found.losses, expected.losses, precise);
      expectClose(`parameters in ${shards}`, found.parameters, expected.parameters, precise);
    }
  });

  it('of each target count for its loss alone', async () => {
    const byHand: WholeLoss = (output, target, weight) =>
      ratingOf(output, target, weight).add(clickOf(output, target, weight.mul(0).add(1)));
    const expected = await stepsByHand(byHand, batchesOfFour, WEIGHTS);
    const found = await train({ data: samples({ weights: { rating: weights } }), shards: 3 });
    expectClose('losses', found.losses, expected.losses, precise);
    expectClose('parameters', found.parameters, expected.parameters, precise);
  });

  it('that are whole numbers are repeated samples, and 0 leaves one out', async () => {
    const fit = { batchSize: 64, epochs: 3 };
    const expected = await train({ data: samples().subset(repeated), fit });
    const found = await train({ data: weighted, fit, shards: 3 });
    expectClose('losses', found.losses, expected.losses, precise);
    expectClose('parameters', found.parameters, expected.parameters, precise);
  });

  it('of one loss are exact in an epoch and in accumulated steps, where a batch of weight 0 counts for nothing', async () => {
    const options = { loss: { rating: nn.mseLoss }, metrics: { click: { accuracy: nn.accuracy } } };
    const frozen = await train({ ...options, data: weighted, optimizer: optim.sgd({ lr: 0 }) });
    const figures = await frozen.trainer.evaluate(weighted);
    expectClose('epoch', [frozen.results[0]?.loss ?? 0], [figures.loss ?? 1], precise);
    const whole = await train({ ...options, data: weighted, fit: { batchSize: 11 } });
    const optimizer = optim.sgd({ lr: LR, accumulate: 3 });
    const inSteps = await train({ ...options, data: weighted, shards: 2, optimizer });
    expectClose('parameters', inSteps.parameters, whole.parameters, precise);
    const alone = await train({
      ...options,
      data: weighted.subset([8, 9, 10]),
      optimizer: optim.adamW({ lr: 1, weightDecay: 1 }),
    });
    expect(alone.losses).toEqual([0, 0]);
    expect(alone.parameters).toEqual(parametersOf(trainerOf(options).model));
  });
});

describe('weights of samples in evaluations', () => {
  it('give the figures of repeated samples at any batch size', async () => {
    const worst = nn.figure({
      init: () => ({ sum: zeros([], 'float64'), weight: zeros([], 'float64') }),
      update: (state, output, target, weight) => ({
        sum: state.sum.add(
          output
            .sub(target)
            .square()
            .square()
            .mul((weight as Tensor).to('float64'))
            .sum(),
        ),
        weight: state.weight.add((weight as Tensor).to('float64').sum()),
      }),
      merge: (a, b) => ({ sum: a.sum.add(b.sum), weight: a.weight.add(b.weight) }),
      result: ({ sum, weight }) => sum.div(weight),
    });
    const metrics = {
      rating: { mae: nn.meanAbsoluteError, fourth: worst },
      click: { top: nn.topKAccuracy.with({ k: 2 }) },
    };
    const known = data.fromArrays(
      inputs,
      { ...targets, click: targets.click.map((label) => Math.max(0, label)) },
      { weights },
    );
    const trainer = trainerOf({ metrics });
    const plain = (output: Tensor, target: Tensor) => output.sub(target).square().square().mean();
    const many = trainerOf({ metrics: { ...metrics, rating: { mae: nn.meanAbsoluteError, fourth: plain } } });
    const unweighted = data.fromArrays(inputs, {
      ...targets,
      click: targets.click.map((label) => Math.max(0, label)),
    });
    const expected = await many.evaluate(unweighted.subset(repeated));
    for (const batchSize of [1, 4, 64]) {
      const figures = await trainer.evaluate(known, { batchSize });
      expect(Object.keys(figures)).toEqual(Object.keys(expected));
      const valuesOf = (all: object) => Object.values(all as Record<string, number>);
      expectClose(`batches of ${batchSize}`, valuesOf(figures), valuesOf(expected), { relative: 1e-6 });
    }
  });

  it('are those of a metric that takes them, and not of another', async () => {
    const metrics = {
      rating: {
        taking: (output: Tensor, target: Tensor, weight?: Tensor) =>
          nn.maeLoss(output, target, weight as Tensor),
        other: (output: Tensor, target: Tensor) => nn.maeLoss(output, target),
      },
    };
    const figures = await trainerOf({ metrics }).evaluate(weighted);
    const plain = await trainerOf({ metrics }).evaluate(samples());
    const many = await trainerOf({ metrics }).evaluate(samples().subset(repeated));
    expectClose('taking', [figures['rating.taking'] ?? 0], [many['rating.taking'] ?? 1], precise);
    expectClose('other', [figures['rating.other'] ?? 0], [plain['rating.other'] ?? 1], precise);
  });
});

describe('weights of samples are refused', () => {
  const two = (output: Tensor, target: Tensor) => nn.mseLoss(output, target);
  const bad = 'must hold a finite number of at least 0';
  const rule = 'must take them, as (output, target, weights) without defaults, got function';
  it.each<[string, data.FromArraysOptions['weights'], string]>([
    ['negative ones', WEIGHTS.map((weight) => weight - 1), `sample 3 of weights ${bad}, got -1`],
    [
      'NaN',
      { rating: Float64Array.from(rows, (row) => (row === 5 ? Number.NaN : 1)) },
      `sample 5 of weights.rating ${bad}, got NaN`,
    ],
    [
      'what float32 makes infinite',
      Float64Array.from(rows, () => 1e300),
      `sample 0 of weights ${bad}, got Infinity`,
    ],
    ['too few', [1, 2], 'inputs.user and weights must have as many samples, got 11 and 2'],
    [
      'several for a sample',
      { data: new Float32Array(22), shape: [11, 2] },
      'weights must be float32, one number per sample, got float32[2]',
    ],
    [
      'those of no target',
      { ratings: WEIGHTS },
      'weights must be one number for each sample, or such numbers by target (rating, click), got weights.ratings',
    ],
    [
      'no numbers',
      { rating: 3 as unknown as number[] },
      'weights.rating must be arrays, a typed array, or { data, shape }, got 3',
    ],
  ])('%s', (_, given, message) => {
    expect(() => samples({ weights: given as number[] })).toThrow(message);
  });

  it('as options that other frameworks have', () => {
    const options = { loss: losses, optimizer: optim.sgd({ lr: 1 }), sampleWeight: WEIGHTS };
    expect(() => trainerOf(options)).toThrow(
      'unknown option sampleWeight; weights of samples belong to the data: data.fromArrays(inputs, targets, { weights })',
    );
    expect(() => Reflect.apply(samples, undefined, [{ sample_weight: WEIGHTS }])).toThrow(
      'unknown option sample_weight; did you mean weights?',
    );
  });

  it('of a single target by name, and in a list', () => {
    const one = (given: data.FromArraysOptions['weights']) => () =>
      data.fromArrays([1, 2], [0, 1], { weights: given as number[] });
    expect(one({ rating: [1, 2] })).toThrow(
      'weights of a single target must be one number for each sample, got weights.rating',
    );
    expect(one([[1], [2]])).toThrow('must be one number for each sample, got weights[0]');
  });

  it('whatever integers they are given as are converted', () => {
    for (const given of [
      WEIGHTS,
      Int32Array.from(WEIGHTS),
      Uint8Array.from(WEIGHTS),
      BigInt64Array.from(WEIGHTS, BigInt),
    ]) {
      expect(samples({ weights: given }).weights).toMatchObject({
        dtype: 'float32',
        shape: [],
        data: weights,
      });
    }
    const listed = data.fromArrays(inputs, Object.values(targets), {
      targets: [{}, {}],
      weights: [WEIGHTS, WEIGHTS],
    });
    expect(listed.weights).toMatchObject([{ data: weights }, { data: weights }]);
  });

  it('where a loss does not take them, or makes nothing of them', async () => {
    const refusal = (options: Parameters<typeof train>[0]) => train({ data: weighted, ...options });
    await expect(refusal({ loss: { rating: two, click: clickLoss } })).rejects.toThrow(
      `loss rating: Trainer: the data set has weights, so the loss of rating ${rule}`,
    );
    const all = (output: Outputs, target: Outputs) => nn.mseLoss(output.rating, target.rating);
    await expect(refusal({ loss: all, metrics: { click: { accuracy: nn.accuracy } } })).rejects.toThrow(
      `Trainer: the data set has weights, so the loss ${rule}`,
    );
    const ignoring = (output: Outputs, target: Outputs, _weights?: unknown) =>
      nn.mseLoss(output.rating, target.rating).add(clickLoss(output.click, target.click));
    await expect(refusal({ loss: ignoring })).rejects.toThrow(
      'Trainer: weights of the data set must be used by a loss or a metric; leave it out if it is not needed',
    );
    await expect(trainerOf({ loss: ignoring }).evaluate(weighted)).rejects.toThrow(
      'Trainer: weights of the data set must be used by a loss or a metric',
    );
    const three = (output: Tensor, target: Tensor, weight?: Tensor) =>
      nn.mseLoss(output, target, weight as Tensor);
    const found = await train({ data: weighted, loss: { rating: three, click: clickLoss } });
    expect(found.losses).toEqual((await train({ data: weighted, loss: losses })).losses);
  });
});
