import { data, metrics, nn, optim, type Tensor, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { hashUniform } from '../helpers/random-graph/random.js';
import { evaluator, type Metrics } from './recorded-metrics.js';

const ROWS = 20;
const CLASSES = 3;
const IGNORED = -100;
const outputs = Float64Array.from(hashUniform(ROWS * CLASSES, 1, -2, 2));
const labels = Int32Array.from(hashUniform(ROWS, 2, 0, CLASSES), Math.floor);
const inputs = { shape: [CLASSES] };
/** One number for each sample. */
const number = { inputs: { shape: [] } };
const set = data.fromArrays(outputs, labels, { inputs });

const ofLabels = {
  accuracy: metrics.accuracy,
  topKAccuracy: (options: object) => metrics.topKAccuracy({ k: 2, ...options }),
  balancedAccuracy: metrics.balancedAccuracy,
  precision: metrics.precision,
  recall: metrics.recall,
  f1: metrics.f1,
  fBeta: (options: object) => metrics.fBeta({ beta: 2, ...options }),
  confusionMatrix: metrics.confusionMatrix,
  cohenKappa: metrics.cohenKappa,
  matthewsCorrelation: metrics.matthewsCorrelation,
  meanIoU: metrics.meanIoU,
  logLoss: metrics.logLoss,
  perplexity: metrics.perplexity,
  brierScore: metrics.brierScore,
  calibrationError: metrics.calibrationError,
  rocAuc: metrics.rocAuc,
  prAuc: metrics.prAuc,
};

const withOptions = (options: object): Metrics =>
  Object.fromEntries(Object.entries(ofLabels).map(([name, make]) => [name, make(options)]));

describe('ignoreIndex', () => {
  it('leaves samples out of every metric of labels, whatever the output', async () => {
    const counted = [...labels.keys()].filter((i) => i % 3 !== 1);
    const some = labels.map((label, i) => (i % 3 === 1 ? IGNORED : label));
    const odd = outputs.map((x, i) => (Math.floor(i / CLASSES) % 3 === 1 ? Number.NaN : x));
    const expected = await evaluator(withOptions({})).evaluate(set.subset(counted), { batchSize: 6 });
    const of = evaluator(withOptions({ ignoreIndex: IGNORED }));
    const found = await of.evaluate(data.fromArrays(odd, some, { inputs }), { batchSize: 6 });
    for (const name of Object.keys(ofLabels)) {
      if (name === 'confusionMatrix') expect(found.tables?.[name]).toEqual(expected.tables?.[name]);
      else expect(found[name], name).toBeCloseTo(expected[name] as number, 13);
    }
  });

  it('leaves out positions of segmentations, and decisions', async () => {
    const shape = { inputs: { shape: [2, 2, CLASSES] }, targets: { shape: [2, 2] } };
    const some = labels.map((label, i) => (i % 3 === 1 ? IGNORED : label));
    const images = data.fromArrays(outputs, some, shape);
    const of = { iou: metrics.meanIoU({ ignoreIndex: IGNORED }), f1: metrics.f1({ ignoreIndex: IGNORED }) };
    const positions = data.fromArrays(outputs, some, { inputs });
    const found = await evaluator(of).evaluate(images, { batchSize: 2 });
    expect(found).toEqual(await evaluator(of).evaluate(positions));
    const decisions = data.fromArrays(Float64Array.of(1, -1, 2, -2), Int32Array.of(1, 0, -1, 1), number);
    const ofDecisions = {
      accuracy: metrics.binaryAccuracy({ ignoreIndex: -1 }),
      recall: metrics.recall({ ignoreIndex: -1 }),
      roc: metrics.rocAuc({ ignoreIndex: -1 }),
    };
    const { accuracy, recall, roc } = await evaluator(ofDecisions).evaluate(decisions);
    expect({ accuracy, recall, roc }).toEqual({ accuracy: 2 / 3, recall: 0.5, roc: 0.5 });
  });
});

describe('outputs that are NaN', () => {
  it('make a metric NaN, where no other output tells what they should have been', async () => {
    const spoiled = outputs.map((x, i) => (i === 7 ? Number.NaN : x));
    const others = Object.fromEntries(
      Object.entries(withOptions({})).filter(([name]) => !name.toLowerCase().endsWith('accuracy')),
    );
    const found = await evaluator(others).evaluate(data.fromArrays(spoiled, labels, { inputs }));
    for (const name of Object.keys(others)) {
      const numbers = found.tables?.[name]?.data ?? [found[name] as number];
      expect(numbers.some(Number.isNaN), name).toBe(true);
    }
    const of = {
      mse: metrics.meanSquaredError(),
      r2: metrics.r2(),
      correlation: metrics.pearsonCorrelation(),
      recall: metrics.recall({ average: 'macro', zeroDivision: Number.NaN }),
      roc: metrics.rocAuc(),
    };
    const numbers = data.fromArrays(
      Float64Array.of(1, Number.NaN, 3, 4),
      Float64Array.of(0, 1, 1, 0),
      number,
    );
    const { loss, ...figures } = await evaluator(of).evaluate(numbers);
    expect(figures).toEqual(Object.fromEntries(Object.keys(of).map((name) => [name, Number.NaN])));
  });
});

describe('samples without any weight', () => {
  it('have metrics that are NaN, or what scikit-learn says of no labels', async () => {
    const none = data.fromArrays(outputs, labels, { inputs, weights: new Float32Array(ROWS) });
    const { loss, tables, ...found } = await evaluator(withOptions({})).evaluate(none, { batchSize: 6 });
    const { matthewsCorrelation, prAuc, ...others } = found;
    expect([matthewsCorrelation, prAuc]).toEqual([0, 0]);
    for (const [name, value] of Object.entries(others)) expect(value, name).toBeNaN();
    expect(tables?.confusionMatrix?.data).toEqual(Array(CLASSES * CLASSES).fill(0));
  });
});

describe('calibrationError', () => {
  it.each([1, 4, 15])('is that of the definition with %i bins', async (bins) => {
    const shares = Float64Array.from(hashUniform(40, 5), (x) => Math.round(x * 20) / 20);
    const targets = Uint8Array.from(hashUniform(40, 6), (x, i) => (x < (shares[i] as number) ** 2 ? 1 : 0));
    const inBin = (bin: number) =>
      [...shares.keys()].filter((i) => {
        const share = shares[i] as number;
        return share > bin / bins ? share <= (bin + 1) / bins : bin === 0 && share === 0;
      });
    const error = Array.from({ length: bins }, (_, bin) => {
      const differences = inBin(bin).map((i) => (shares[i] as number) - (targets[i] as number));
      return Math.abs(differences.reduce((sum, x) => sum + x, 0)) / 40;
    }).reduce((sum, x) => sum + x, 0);
    const of = { error: metrics.calibrationError({ bins, outputs: 'probabilities' }) };
    const found = await evaluator(of).evaluate(data.fromArrays(shares, targets, number), { batchSize: 9 });
    expect(found.error).toBeCloseTo(error, 13);
  });
});

type Pair = { genre: Tensor; rating: Tensor };

/** A model with two outputs, which are its inputs. */
class Both extends nn.Module<Pair, Pair> {
  one = new nn.Parameter([1], { init: nn.init.ones });

  override forward({ genre, rating }: Pair): Pair {
    return { genre: genre.mul(this.one), rating: rating.mul(this.one) };
  }
}

describe('metrics of one of several outputs', () => {
  it('get its output, its targets and their weights', async () => {
    const genres = Float32Array.from(outputs);
    const ratings = Float32Array.from(hashUniform(ROWS, 7));
    const targets = Float32Array.from(hashUniform(ROWS, 8));
    const weights = Float32Array.from(hashUniform(ROWS, 9));
    const both = data.fromArrays(
      { genre: genres, rating: ratings },
      { genre: labels, rating: targets },
      { inputs: { genre: { shape: [CLASSES] } }, weights },
    );
    const trainer = new Trainer(new Both(), {
      loss: { genre: nn.crossEntropy, rating: nn.mseLoss },
      optimizer: optim.sgd({ lr: 0 }),
      workers: 2,
      metrics: {
        genre: { roc: metrics.rocAuc(), confusion: metrics.confusionMatrix(), f1: metrics.f1() },
        rating: { r2: metrics.r2() },
      },
    });
    const found = await trainer.evaluate(both, { batchSize: 6 });
    const alone = { roc: metrics.rocAuc(), confusion: metrics.confusionMatrix(), f1: metrics.f1() };
    const ofGenre = await evaluator(alone, { dtype: 'float32' }).evaluate(
      data.fromArrays(genres, labels, { inputs, weights }),
      { batchSize: 6 },
    );
    const ofRating = await evaluator({ r2: metrics.r2() }, { dtype: 'float32' }).evaluate(
      data.fromArrays(ratings, targets, { ...number, weights }),
      { batchSize: 6 },
    );
    expect(found['genre.roc']).toBe(ofGenre.roc);
    expect(found['genre.f1']).toBe(ofGenre.f1);
    expect(found['rating.r2']).toBe(ofRating.r2);
    expect(found.tables?.['genre.confusion']).toEqual(ofGenre.tables?.confusion);
  });
});
