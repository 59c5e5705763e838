import { data, metrics, nn } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { hashUniform } from '../helpers/random-graph/random.js';
import { evaluator, type Metrics } from './recorded-metrics.js';

const ROWS = 23;
const CLASSES = 3;
const outputs = Float32Array.from(hashUniform(ROWS * CLASSES, 1, -2, 2), (x) => Math.round(x * 4) / 4);
const labels = Int32Array.from(hashUniform(ROWS, 2, 0, CLASSES), Math.floor);
const numbers = Float32Array.from(hashUniform(ROWS * CLASSES, 3, -2, 2));
const weights = Float32Array.from(hashUniform(ROWS, 4, 0, 2));
const inputs = { shape: [CLASSES] };

/** Metrics that count, or that keep all scores: the same for any size of batches. */
const exact: Metrics = {
  accuracy: metrics.accuracy(),
  defaultAccuracy: nn.accuracy,
  top: metrics.topKAccuracy({ k: 2 }),
  balanced: metrics.balancedAccuracy(),
  f1: metrics.f1(),
  weighted: metrics.precision({ average: 'weighted' }),
  recalls: metrics.recall({ average: 'none' }),
  confusion: metrics.confusionMatrix(),
  kappa: metrics.cohenKappa({ weights: 'quadratic' }),
  matthews: metrics.matthewsCorrelation(),
  iou: metrics.meanIoU(),
  roc: metrics.rocAuc(),
  pairs: metrics.rocAuc({ multiClass: 'ovo' }),
  pr: metrics.prAuc({ average: 'micro' }),
};

/** Metrics of float sums: the same but for rounding. */
const rounded: Metrics = {
  logLoss: metrics.logLoss(),
  perplexity: metrics.perplexity(),
  brier: metrics.brierScore(),
  calibration: metrics.calibrationError({ bins: 4 }),
};

const regression: Metrics = {
  mae: metrics.meanAbsoluteError(),
  mse: metrics.meanSquaredError(),
  rmse: metrics.rootMeanSquaredError(),
  mape: metrics.meanAbsolutePercentageError(),
  quantile: metrics.quantileLoss({ quantile: 0.9 }),
  r2: metrics.r2(),
  variance: metrics.explainedVariance({ average: 'none' }),
  correlation: metrics.pearsonCorrelation(),
};

const classified = data.fromArrays(outputs, labels, { inputs });
const weightedClasses = data.fromArrays(outputs, labels, { inputs, weights });
const measured = data.fromArrays(outputs, numbers, { inputs, targets: inputs, weights });

const evaluate = (of: Metrics, set: data.Dataset, batchSize: number, workers = 1) =>
  evaluator(of, { workers, dtype: 'float32' }).evaluate(set, { batchSize });

describe('metrics', () => {
  it('are the same to the bit for any number of workers', async () => {
    for (const [of, set] of [
      [{ ...exact, ...rounded }, weightedClasses],
      [regression, measured],
    ] as const) {
      const one = await evaluate(of, set, 4);
      for (const workers of [2, 3]) expect(await evaluate(of, set, 4, workers)).toEqual(one);
    }
  });

  it('that count or rank are the same to the bit for any size of batches', async () => {
    const whole = await evaluate(exact, classified, ROWS);
    for (const batchSize of [1, 5, 22]) {
      expect(await evaluate(exact, classified, batchSize)).toEqual(whole);
    }
    expect(whole.accuracy).toBe(whole.defaultAccuracy);
    const ranking = { roc: metrics.rocAuc(), pr: metrics.prAuc() };
    const weighted = await evaluate(ranking, weightedClasses, ROWS);
    expect(await evaluate(ranking, weightedClasses, 3, 2)).toEqual(weighted);
  });

  it('of sums are the same but for rounding', async () => {
    for (const [of, set] of [
      [rounded, classified],
      [regression, measured],
    ] as const) {
      const whole = await evaluate(of, set, ROWS);
      const cut = await evaluate(of, set, 5);
      for (const name of Object.keys(of)) {
        if (typeof whole[name] === 'number') expect(cut[name], name).toBeCloseTo(whole[name], 13);
      }
      if (of === rounded) expect(cut.perplexity).toBeCloseTo(Math.exp(cut.logLoss as number), 13);
      expect(cut.tables?.variance?.shape).toEqual(whole.tables?.variance?.shape);
    }
  });
});
