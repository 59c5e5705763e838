import {
  argMax,
  data,
  div,
  eq,
  nn,
  optim,
  sub,
  type Tensor,
  Trainer,
  type TrainerOptions,
  tensor,
  zeros,
} from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { useFolder } from '../helpers/folder.js';
import { LONG } from '../helpers/long.js';
import { collect, noise } from '../helpers/training.js';

const folder = useFolder();

/** A model that gives its input, so that outputs are data. */
class Identity extends nn.Module {
  one = new nn.Parameter([1], { init: nn.init.ones });

  forward(x: Tensor): Tensor {
    return x.mul(this.one);
  }
}

type Metrics = NonNullable<TrainerOptions['metrics']>;

function trainerOf(metrics: Metrics, { workers = 1, loss = nn.mseLoss as nn.Loss } = {}): Trainer {
  return new Trainer(new Identity(), {
    loss,
    optimizer: optim.sgd({ lr: 0 }),
    workers,
    shards: workers,
    metrics,
  });
}

/** The coefficient of determination, 1 - sum of squared errors / sum of squared deviations from the mean. */
const r2 = nn.figure({
  init: () => ({
    n: zeros([], 'float64'),
    y: zeros([], 'float64'),
    yy: zeros([], 'float64'),
    rr: zeros([], 'float64'),
  }),
  update: ({ n, y, yy, rr }, output, target) => {
    const exact = target.cast('float64');
    return {
      // In another order than init.
      rr: rr.add(exact.sub(output.cast('float64')).square().sum()),
      n: n.add(exact.size),
      y: y.add(exact.sum()),
      yy: yy.add(exact.square().sum()),
    };
  },
  merge: (a, b) => ({ n: a.n.add(b.n), y: a.y.add(b.y), yy: a.yy.add(b.yy), rr: a.rr.add(b.rr) }),
  result: ({ n, y, yy, rr }) => sub(1, div(rr, yy.sub(y.square().div(n)))),
});

const CLASSES = 3;

/** The macro-averaged F1 score, from a confusion matrix [label, prediction] of whole numbers. */
const f1 = nn.figure({
  init: () => ({ counts: zeros([CLASSES, CLASSES], 'int32') }),
  update: ({ counts }, output, target) => {
    const labels = target.oneHot(CLASSES).cast('float32');
    const found = argMax(output).oneHot(CLASSES).cast('float32');
    return { counts: counts.add(labels.transpose().matmul(found).cast('int32')) };
  },
  merge: (a, b) => ({ counts: a.counts.add(b.counts) }),
  result: ({ counts }) => {
    const exact = counts.cast('float64');
    const hits = exact
      .mul(
        tensor(
          [
            [1, 0, 0],
            [0, 1, 0],
            [0, 0, 1],
          ],
          { dtype: 'float64' },
        ),
      )
      .sum(0);
    return hits
      .mul(2)
      .div(exact.sum(0).add(exact.sum(1)))
      .mean();
  },
});

/** A figure that depends on the order of the rows: the last row's number. */
const last = nn.figure({
  init: () => ({ value: zeros([]), seen: zeros([], 'bool') }),
  update: (_, output) => ({ value: output.slice([[-1], [0, 1]]).reshape([]), seen: eq(zeros([]), 0) }),
  merge: (a, b) => ({ value: b.seen.where(b.value, a.value), seen: b.seen }),
  result: ({ value }) => value,
});

const outputs = noise(23 * CLASSES, 7);
const labels = Int32Array.from({ length: 23 }, (_, i) => (i * i + (i >> 2)) % CLASSES);
const values = noise(23 * CLASSES, 9);
const classes = data.fromArrays(outputs, labels, { inputs: { shape: [CLASSES] } });
const numbers = data.fromArrays(outputs, values, {
  inputs: { shape: [CLASSES] },
  targets: { shape: [CLASSES] },
});

function r2ByDefinition(): number {
  const mean = values.reduce((sum, y) => sum + y, 0) / values.length;
  const rest = values.reduce((sum, y, i) => sum + (y - (outputs[i] as number)) ** 2, 0);
  return 1 - rest / values.reduce((sum, y) => sum + (y - mean) ** 2, 0);
}

function f1ByDefinition(): number {
  const found = Array.from(labels, (_, i) => {
    const row = outputs.subarray(CLASSES * i, CLASSES * (i + 1));
    return row.indexOf(Math.max(...row));
  });
  const scores = Array.from({ length: CLASSES }, (_, one) => {
    const hits = found.filter((guess, i) => guess === one && labels[i] === one).length;
    const all =
      found.filter((guess) => guess === one).length + labels.filter((label) => label === one).length;
    return (2 * hits) / all;
  });
  return scores.reduce((sum, score) => sum + score, 0) / CLASSES;
}

const runs = { numRuns: LONG ? 24 : 4, seed: 3 };
/** The number of samples by label and prediction. */
function confusion(): number[] {
  const counts = Array<number>(CLASSES * CLASSES).fill(0);
  labels.forEach((label, i) => {
    const row = outputs.subarray(CLASSES * i, CLASSES * (i + 1));
    const place = CLASSES * label + row.indexOf(Math.max(...row));
    counts[place] = (counts[place] as number) + 1;
  });
  return counts;
}

const sizes = fc.record({
  batchSize: fc.integer({ min: 1, max: 25 }),
  workers: fc.integer({ min: 1, max: 4 }),
});

describe('a figure with functions of its own', () => {
  it('is that of all rows, whatever the size of batches and the number of workers', async () => {
    const property = fc.asyncProperty(sizes, async ({ batchSize, workers }) => {
      const regression = await trainerOf({ r2, last }, { workers }).evaluate(numbers, { batchSize });
      expect(regression.r2).toBeCloseTo(r2ByDefinition(), 12);
      expect(regression.last).toBe(outputs.at(-CLASSES));
      const options = { workers, loss: nn.crossEntropy };
      const classification = await trainerOf({ f1 }, options).evaluate(classes, { batchSize });
      expect(classification.f1).toBeCloseTo(f1ByDefinition(), 14);
    });
    await fc.assert(property, runs);
  });

  it('has the same bits on any number of workers', async () => {
    const found = await Promise.all(
      (LONG ? [1, 2, 3, 5] : [1, 5]).map((workers) =>
        trainerOf({ r2, mae: nn.meanAbsoluteError }, { workers }).evaluate(numbers, { batchSize: 2 }),
      ),
    );
    for (const figures of found) expect(figures).toEqual(found[0]);
  });

  it('is a table if its result has axes, which checkpoints keep', async () => {
    const counts = nn.figure({ ...f1.definition, result: (state) => state.counts });
    const trainer = trainerOf({ counts, f1 }, { workers: 2, loss: nn.crossEntropy });
    const figures = await trainer.evaluate(classes, { batchSize: 4 });
    const { shape, data: elements } = figures.tables?.counts ?? { shape: [], data: [] };
    expect(shape).toEqual([CLASSES, CLASSES]);
    expect(elements).toEqual(confusion());
    expect(Object.keys(figures)).toEqual(['loss', 'f1', 'tables']);
    expect(figures.f1?.toFixed(4)).toBe(f1ByDefinition().toFixed(4));
    const dir = folder();
    await collect(
      trainer.fit(classes, { epochs: 2, batchSize: 4, validation: classes, checkpoint: { dir } }),
    );
    expect(trainer.history[1]?.validation).toEqual(figures);
    const resumed = trainerOf({ counts, f1 }, { workers: 2, loss: nn.crossEntropy });
    await collect(
      resumed.fit(classes, { epochs: 2, batchSize: 4, validation: classes, checkpoint: { dir } }),
    );
    expect(resumed.history).toEqual(trainer.history);
  });

  it('is reported for validation, given by its functions alone too', async () => {
    const { init, update, merge, result } = f1.definition;
    const trainer = trainerOf(
      { f1, same: { init, update, merge, result } as typeof f1.definition },
      { workers: 2, loss: nn.crossEntropy },
    );
    const [epoch] = await collect(trainer.fit(classes, { batchSize: 4, validation: classes }));
    expect(epoch?.validation?.f1).toBeCloseTo(f1ByDefinition(), 14);
    expect(epoch?.validation?.same).toBe(epoch?.validation?.f1);
  });
});

describe('figures of the library', () => {
  const ignored = labels.map((label, i) => (i % 3 === 0 ? -100 : label));
  const some = data.fromArrays(outputs, ignored, { inputs: { shape: [CLASSES] } });
  const weight = [1, 10, 0.5];
  const logShares = Array.from(labels, (_, i) => {
    const row = outputs.subarray(CLASSES * i, CLASSES * (i + 1));
    const total = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
    return Array.from(row, (x) => x - total);
  });

  it('are those of the definition for every size of batches', async () => {
    const counted = [...ignored.keys()].filter((i) => ignored[i] !== -100);
    const total = counted.reduce((sum, i) => sum + (weight[labels[i] as number] as number), 0);
    const loss =
      counted.reduce(
        (sum, i) =>
          sum - (weight[labels[i] as number] as number) * (logShares[i]?.[labels[i] as number] as number),
        0,
      ) / total;
    const hits = counted.filter((i) => {
      const row = logShares[i] as number[];
      return row.indexOf(Math.max(...row)) === labels[i];
    });
    const property = fc.asyncProperty(sizes, async ({ batchSize, workers }) => {
      const trainer = new Trainer(new Identity(), {
        loss: nn.crossEntropy.with({ weight, ignoreIndex: -100 }),
        optimizer: optim.sgd({ lr: 0 }),
        workers,
        shards: workers,
      });
      const found = await trainer.evaluate(some, { batchSize });
      expect(found.loss).toBeCloseTo(loss, 6);
      expect(found.accuracy).toBeCloseTo(hits.length / counted.length, 14);
    });
    await fc.assert(property, runs);
  });

  it('may be sums that are whole numbers', async () => {
    const metrics = {
      errors: (output: Tensor, target: Tensor) => ({ sum: argMax(output).eq(target).eq(0).sum() }),
      share: (output: Tensor, target: Tensor) => ({
        sum: argMax(output).eq(target).sum(),
        weight: target.size,
      }),
      accuracy: nn.accuracy,
    };
    for (const batchSize of [23, 5]) {
      const { errors, share, accuracy } = await trainerOf(metrics, { loss: nn.crossEntropy }).evaluate(
        classes,
        { batchSize },
      );
      expect(errors).toBe(Math.round(23 * (1 - (accuracy as number))));
      expect(share).toBeCloseTo(accuracy as number, 6);
    }
  });
});

describe('metrics that are none', () => {
  const make = (metrics: unknown) => () => trainerOf(metrics as Metrics, { loss: nn.crossEntropy });
  const example =
    'Trainer: metrics must be an object of functions and figures, such as { accuracy: nn.accuracy }';

  it.each<[string, unknown, string]>([
    ['a name', 'accuracy', `${example}, got accuracy`],
    ['a list of names', ['accuracy'], `${example}, got [accuracy]`],
    ['a list of functions', [nn.accuracy], `${example}, got [function`],
    ['a function', nn.accuracy, `${example}, got function`],
    ['null', null, `${example}, got null`],
    ['a map', new Map([['accuracy', nn.accuracy]]), `${example}, got an instance of Map`],
    ['a figure', r2, `${example}, each under a name, got an instance of Figure`],
    ['the functions of a figure', r2.definition, `${example}, each under a name, got an object`],
    [
      'a name under a name',
      { acc: 'accuracy' },
      'Trainer: metric acc must be a function of output and target or a figure, such as nn.accuracy or nn.meanAbsoluteError, got accuracy',
    ],
    [
      'true',
      { accuracy: true },
      'Trainer: metric accuracy must be a function of output and target or a figure, got true',
    ],
    [
      'a number',
      { accuracy: 0.5 },
      'Trainer: metric accuracy must be a function of output and target or a figure, got 0.5',
    ],
    [
      'undefined',
      { accuracy: undefined },
      'Trainer: metric accuracy must be a function of output and target or a figure, got undefined',
    ],
    [
      'half a figure',
      { f: { update: () => ({}), merge: () => ({}) } },
      'figure: definition.init must be a function, got undefined',
    ],
    ['the loss', { loss: nn.accuracy }, 'Trainer: metrics must not have the name loss'],
    ['the tables', { tables: nn.accuracy }, 'Trainer: metrics must not have the name tables'],
    [
      'half a figure of columns',
      { f: { rows: () => ({}) } },
      'figure: definition.result must be a function, got undefined',
    ],
    [
      'a figure of columns',
      nn.figure({ rows: () => ({}), result: () => zeros([]) }),
      `${example}, each under a name, got an instance of ColumnFigure`,
    ],
  ])('are refused as %s', (_, metrics, message) => {
    expect(make(metrics)).toThrow(message);
  });

  const returned = (value: unknown) => ({ odd: () => value });
  it.each<[string, unknown, string]>([
    [
      'a list of numbers',
      returned([1, 2]),
      'Trainer: metric odd must be a scalar tensor or { sum, weight }, got [1,2]',
    ],
    ['a number', returned(0.5), 'Trainer: metric odd must be a scalar tensor or { sum, weight }, got 0.5'],
    [
      'a promise',
      { odd: async () => zeros([]) },
      'Trainer: metric odd must be a scalar tensor or { sum, weight }, got a promise',
    ],
    [
      'nothing',
      returned(undefined),
      'Trainer: metric odd must be a scalar tensor or { sum, weight }, got undefined',
    ],
    ['null', returned(null), 'Trainer: metric odd must be a scalar tensor or { sum, weight }, got null'],
    [
      'a value for each row',
      { odd: (output: Tensor) => output.sum(1) },
      'Trainer: metric odd must be a scalar',
    ],
    [
      'a whole number',
      { odd: (output: Tensor, target: Tensor) => argMax(output).eq(target).sum() },
      'metric odd is the mean of its rows and must be a float; for a sum, return { sum, weight }, got int32',
    ],
    [
      'other keys',
      returned({ sum: zeros([]), count: zeros([]) }),
      'Trainer: metric odd must be a scalar tensor or { sum, weight }, got { sum: tensor, count: tensor }',
    ],
    ['a bad weight', returned({ sum: zeros([]), weight: '3' }), 'got { sum: tensor, weight: string }'],
    [
      'a weight with axes',
      returned({ sum: zeros([]), weight: zeros([2]) }),
      'Trainer: the weight of metric odd must be a scalar',
    ],
    [
      'a state that changes',
      { odd: nn.figure({ ...r2.definition, update: (s) => ({ ...s, n: zeros([2], 'float64') }) }) },
      'Trainer: update of metric odd must return n as init does, float64[], got float64[2]',
    ],
    [
      'a state that lacks a tensor',
      { odd: nn.figure({ ...f1.definition, merge: () => ({}) as never }) },
      'Trainer: merge of metric odd must return an object of tensors, the state, got an object',
    ],
    [
      'an empty result',
      { odd: nn.figure({ ...f1.definition, result: () => zeros([0, 2]) }) },
      'Trainer: the result of metric odd must be a tensor that is not empty, got float32[0,2]',
    ],
    [
      'a number as the result',
      { odd: nn.figure({ ...f1.definition, result: () => 3 as never }) },
      'Trainer: the result of metric odd must be a tensor that is not empty, got 3',
    ],
    [
      'columns without rows',
      { odd: nn.figure({ rows: (output) => ({ all: output.sum() }), result: ({ all }) => all }) },
      'Trainer: rows of metric odd must return all with the samples on its first axis, 20 here, got float32[]',
    ],
    [
      'columns of rows that depend on the number of samples',
      {
        odd: nn.figure({
          rows: (output) => ({ all: output.matmul(output.transpose()) }),
          result: ({ all }) => all,
        }),
      },
      'Trainer: a row of the columns of metric odd must be float32[20] for every number of rows, got float32[3]',
    ],
    [
      'no columns',
      { odd: nn.figure({ rows: () => ({ all: undefined }), result: ({ all }) => all ?? zeros([]) }) },
      'Trainer: rows of metric odd must return an object of tensors, the columns, got an object',
    ],
    [
      'no state',
      { odd: nn.figure({ ...f1.definition, init: () => undefined as never }) },
      'Trainer: init of metric odd must return an object of tensors, the state, got undefined',
    ],
  ])('are refused by name when they return %s', async (_, metrics, message) => {
    await expect(make(metrics)().evaluate(classes, { batchSize: 20 })).rejects.toThrow(message);
    const fit = collect(make(metrics)().fit(classes, { batchSize: 20, validation: classes }));
    await expect(fit).rejects.toThrow(message);
  });

  it('are refused as figures without their functions', () => {
    expect(() => nn.figure(undefined as never)).toThrow(
      'figure: definition must be a plain object with init, update, merge and result',
    );
    expect(() => nn.figure({ ...r2.definition, merge: 3 as never })).toThrow(
      'definition.merge must be a function, got 3',
    );
  });
});
