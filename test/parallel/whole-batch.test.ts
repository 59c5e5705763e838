import { compile, data, grad, nn, optim, type Tensor, Trainer, type TrainerOptions, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { LONG } from '../helpers/long.js';
import { lossNames } from '../helpers/loss-names.js';
import { hashIntegers, hashUniform } from '../helpers/random-graph/random.js';
import { collect, parametersOf } from '../helpers/training.js';

type Loss = TrainerOptions['loss'];

/** Three batches and a smaller one, which has fewer rows than there may be shards. */
const ROWS = 53;
const BATCH = 16;
const FEATURES = 5;
const OUTPUTS = 4;
const LR = 0.1;

const numbers = (width: number, seed: number, low = -1, high = 1) =>
  Float64Array.from(hashUniform(ROWS * width, seed, low, high));
const inputs = numbers(FEATURES, 1);
const withTargets = (targets: Float64Array | Int32Array) => {
  const width = targets.length / ROWS;
  const shape = width === 1 ? [] : [width];
  return data.fromArrays(inputs, targets, { inputs: { shape: [FEATURES] }, targets: { shape } });
};

const classes = Int32Array.from(hashIntegers(ROWS, 2, OUTPUTS));
/** A batch whose labels are all ignored, and some more that are. */
const someIgnored = classes.map((label, i) => (Math.floor(i / BATCH) === 1 || i % 5 === 0 ? -100 : label));
const floats = withTargets(numbers(OUTPUTS, 3));
const counts = withTargets(Float64Array.from(hashIntegers(ROWS * OUTPUTS, 4, 6)));
const bits = withTargets(Float64Array.from(hashIntegers(ROWS * OUTPUTS, 5, 2)));
const signs = withTargets(Float64Array.from(hashIntegers(ROWS * OUTPUTS, 5, 2), (bit) => 2 * bit - 1));
const pairs = withTargets(Float64Array.from(hashIntegers(ROWS, 6, 2), (bit) => 2 * bit - 1));
const positive = numbers(OUTPUTS, 7, 0.1, 1);
const shares = withTargets(
  positive.map((value, i) => {
    const row = Math.floor(i / OUTPUTS) * OUTPUTS;
    return value / positive.subarray(row, row + OUTPUTS).reduce((sum, one) => sum + one, 0);
  }),
);
const labels = withTargets(classes);
const gaps = withTargets(someIgnored);

const halves = (x: Tensor) => [x.slice([[], [0, 2]]), x.slice([[], [2, 4]])] as const;
const weight = [1, 10, 0.5, 3];

/** Losses by name; a name of a loss of `nn` comes first. */
const losses: Record<string, readonly [loss: Loss, samples: data.Dataset]> = {
  crossEntropy: [nn.crossEntropy, labels],
  'crossEntropy of class weights': [nn.crossEntropy.with({ weight }), labels],
  'crossEntropy of ignored labels': [nn.crossEntropy.with({ ignoreIndex: -100 }), gaps],
  'crossEntropy of both, smoothed': [
    nn.crossEntropy.with({ weight, ignoreIndex: -100, labelSmoothing: 0.2 }),
    gaps,
  ],
  'crossEntropy of a sum': [nn.crossEntropy.with({ weight, reduction: 'sum' }), labels],
  'crossEntropy of probabilities': [nn.crossEntropy, shares],
  nllLoss: [(x, y) => nn.nllLoss(nn.logSoftmax(x), y, { weight, ignoreIndex: -100 }), gaps],
  multiMarginLoss: [nn.multiMarginLoss, labels],
  mseLoss: [nn.mseLoss, floats],
  'mseLoss of a sum': [nn.mseLoss.with({ reduction: 'sum' }), floats],
  maeLoss: [nn.maeLoss, floats],
  huberLoss: [nn.huberLoss.with({ delta: 0.3 }), floats],
  smoothL1Loss: [nn.smoothL1Loss, floats],
  binaryCrossEntropyWithLogits: [nn.binaryCrossEntropyWithLogits.with({ posWeight: weight }), bits],
  binaryCrossEntropy: [(x, y) => nn.binaryCrossEntropy(x.sigmoid(), y), bits],
  hingeLoss: [nn.hingeLoss, signs],
  squaredHingeLoss: [nn.squaredHingeLoss, signs],
  klDivergence: [(x, y) => nn.klDivergence(x.logSoftmax(), y, { reduction: 'batchmean' }), shares],
  poissonNLLLoss: [nn.poissonNLLLoss, counts],
  gaussianNLLLoss: [(x, y) => nn.gaussianNLLLoss(x, y, x.square().add(0.5)), floats],
  cosineEmbeddingLoss: [(x, y) => nn.cosineEmbeddingLoss(...halves(x), y), pairs],
  tripletMarginLoss: [(x, y) => nn.tripletMarginLoss(...halves(x), halves(y)[0]), floats],
};

const model = () =>
  new nn.Sequential(
    new nn.Linear(FEATURES, 8, { dtype: 'float64' }),
    new nn.Tanh(),
    new nn.Linear(8, OUTPUTS, { dtype: 'float64' }),
  ).init(3);

/** The joint steps of two epochs without shards: each takes the gradient of all rows that it joins at once. */
async function joined(loss: Loss, samples: data.Dataset, accumulate: number): Promise<number[]> {
  const trained = model();
  const parameters = trained.parameters();
  const slopesOf = compile((x: Tensor, y: Tensor) => grad(loss(trained.forward(x), y) as Tensor, parameters));
  const batches = [...data.batches(samples, { batchSize: BATCH })];
  const steps = [...batches, ...batches];
  for (let first = 0; first + accumulate <= steps.length; first += accumulate) {
    const some = steps.slice(first, first + accumulate);
    const [x, y] = (['inputs', 'targets'] as const).map((of) => {
      const own = some.map((batch) => batch[of]);
      const values = own.flatMap((field) => [...field.data]);
      const [{ dtype, shape }] = own as [(typeof own)[number]];
      return tensor(values, { dtype }).reshape([-1, ...shape.slice(1)]);
    }) as [Tensor, Tensor];
    const values = await Promise.all((await slopesOf(x, y)).map((slope) => slope.data()));
    parameters.forEach(({ storage }, i) => {
      // A step whose labels are all ignored has a gradient of 0 / 0, and is no step.
      values[i]?.forEach((slope, at) => {
        storage.data[at] = (storage.data[at] as number) - LR * (slope || 0);
      });
    });
  }
  slopesOf.release();
  return parametersOf(trained);
}

interface Cut {
  readonly shards: number;
  readonly accumulate: number;
  readonly workers?: number;
  /** Calls of `fit` that make the two epochs. */
  readonly calls?: number;
}

async function trained(
  loss: Loss,
  samples: data.Dataset,
  { shards, accumulate, workers = 1, calls = 1 }: Cut,
) {
  const optimizer = optim.sgd({ lr: LR, accumulate });
  const trainer = new Trainer(model(), { loss, optimizer, shards, workers, seed: 3 });
  for (let call = 0; call < calls; call++) {
    await collect(trainer.fit(samples, { batchSize: BATCH, epochs: 2 / calls, shuffle: false }));
  }
  return parametersOf(trainer.model);
}

it('knows every loss', () => {
  const covered = new Set(Object.keys(losses).map((name) => name.split(' ')[0]));
  expect(lossNames.filter((name) => !covered.has(name))).toEqual([]);
});

describe('a step is that of the whole batch, whatever the shards are', () => {
  // The sample has one of them with each loss, in turn.
  const ways = [
    { shards: 3, accumulate: 1 },
    { shards: 8, accumulate: 3 },
  ];
  const cases = Object.keys(losses).map((name, i) => ({
    name,
    cuts: ways.filter((_, way) => LONG || way === i % 2),
  }));
  it.each(cases)('with $name', async ({ name, cuts }) => {
    const [loss, samples] = losses[name] as (typeof losses)[string];
    for (const { shards, accumulate } of cuts) {
      const expected = await joined(loss, samples, accumulate);
      const found = await trained(loss, samples, { shards, accumulate });
      expectClose(`${name}, ${shards} shards`, found, expected, { relative: 1e-9 });
    }
  });

  it.each([1, 2])('with steps that wait for others after %i calls of fit', async (calls) => {
    const [loss, samples] = losses['crossEntropy of both, smoothed'] as (typeof losses)[string];
    // Two epochs have eight steps: after the first call one waits, and after the last, two.
    const expected = await joined(loss, samples, 3);
    const found = await trained(loss, samples, { shards: 5, accumulate: 3, workers: 2, calls });
    expectClose('parameters', found, expected, { relative: 1e-9 });
  });
});
