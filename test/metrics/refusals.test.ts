import { data, metrics } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { evaluator, type Metrics } from './recorded-metrics.js';

describe('options of metrics', () => {
  it.each<[string, () => unknown, string]>([
    [
      'another average',
      () => metrics.f1({ average: 'mean' as never }),
      "f1: average must be 'binary', 'micro', 'macro', 'weighted' or 'none', got mean",
    ],
    [
      'a number of classes',
      () => metrics.f1({ classes: 3 } as never),
      'f1: unknown option classes; the classes are the last axis of the output',
    ],
    ['no beta', () => metrics.fBeta({} as never), 'fBeta: beta must be a non-negative number, got undefined'],
    [
      'another zero division',
      () => metrics.recall({ zeroDivision: 0.5 }),
      'recall: zeroDivision must be 0, 1 or NaN, got 0.5',
    ],
    [
      'another weighting',
      () => metrics.cohenKappa({ weights: 'cubic' as never }),
      "cohenKappa: weights must be 'linear' or 'quadratic', got cubic",
    ],
    [
      'another divisor',
      () => metrics.confusionMatrix({ normalize: true as never }),
      "confusionMatrix: normalize must be 'labels', 'predictions' or 'all', got true",
    ],
    ['no bins', () => metrics.calibrationError({ bins: 0 }), 'calibrationError: bins must be an integer'],
    [
      'a quantile of 2',
      () => metrics.quantileLoss({ quantile: 2 }),
      'quantileLoss: quantile must be from 0 to 1',
    ],
    [
      'pairs of labels',
      () => metrics.rocAuc({ multiClass: 'ovo', average: 'micro' }),
      "rocAuc: average of multiClass 'ovo' must be 'macro' or 'weighted', got micro",
    ],
    ['k of 0', () => metrics.topKAccuracy({ k: 0 }), 'topKAccuracy: k must be a positive integer, got 0'],
    ['null', () => metrics.accuracy(null as never), 'accuracy: options must be a plain object, got null'],
    [
      'options of none',
      () => (metrics.meanSquaredError as (options: object) => unknown)({}),
      'meanSquaredError: takes no arguments',
    ],
  ])('are refused: %s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});

const outputs = Float32Array.from({ length: 12 }, (_, i) => i % 5);
const classes = Int32Array.of(0, 1, 2, 1);
const ofClasses = data.fromArrays(outputs, classes, { inputs: { shape: [3] } });
const ofColumns = data.fromArrays(outputs, new Float32Array(12), { inputs: { shape: [1] } });
const ofNumbers = data.fromArrays(outputs, new Float32Array(4), { inputs: { shape: [3] } });

describe('metrics whose inputs do not fit', () => {
  it.each([metrics.f1, metrics.meanSquaredError, metrics.fBeta, metrics.accuracy])(
    'are refused before they are made',
    (make) => {
      expect(() => evaluator({ own: make as never })).toThrow(
        /^Trainer: metric own must be called, as (f1|meanSquaredError|fBeta|accuracy)\(\), got function/,
      );
    },
  );

  it.each<[string, Metrics, data.Dataset, string]>([
    [
      'threshold of classes',
      { own: metrics.f1({ threshold: 0.5 }) },
      ofClasses,
      "f1: threshold needs outputs of the target's shape; of classes, the largest output counts",
    ],
    [
      'two classes of three',
      { own: metrics.f1({ average: 'binary' }) },
      ofClasses,
      "f1: average 'binary' needs two classes; 'macro' is the mean over all, got 3",
    ],
    [
      'the area of two classes of three',
      { own: metrics.prAuc({ average: 'binary' }) },
      ofClasses,
      "prAuc: average 'binary' needs two classes; 'macro' is the mean over all, got 3",
    ],
    [
      'one output in a column',
      { own: metrics.rocAuc() },
      ofColumns,
      "rocAuc: the output must have the target's shape, or two classes at least, got [12,1] and [12]; write the targets as [[y]]",
    ],
    [
      'labels that are floats',
      { own: metrics.cohenKappa() },
      ofNumbers,
      'cohenKappa: labels must be int32 or uint8',
    ],
    [
      'numbers of classes',
      { own: metrics.r2() },
      ofClasses,
      'r2: output and target must have one shape, got [4,3] and [4]',
    ],
  ])('are refused by name: %s', async (_, of, set, message) => {
    await expect(evaluator(of, { dtype: 'float32' }).evaluate(set)).rejects.toThrow(message);
    await expect(evaluator(of, { dtype: 'float32' }).evaluate(set)).rejects.toThrow('own');
  });

  it('are labels out of range', async () => {
    const wild = data.fromArrays(outputs, Int32Array.of(0, 1, 3, 1), { inputs: { shape: [3] } });
    for (const [name, metric] of Object.entries({
      f1: metrics.f1(),
      rocAuc: metrics.rocAuc(),
      logLoss: metrics.logLoss(),
    })) {
      await expect(evaluator({ own: metric }, { dtype: 'float32' }).evaluate(wild)).rejects.toThrow(
        `${name}: index 3 at position 2 is outside 0..2`,
      );
    }
  });
});
