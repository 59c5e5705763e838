import { data, nn, sort, type Tensor, zeros } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { hashUniform } from '../helpers/random-graph/random.js';
import { evaluator, type Metrics } from './recorded-metrics.js';

const ROWS = 21;
const OUTPUTS = 2;
const outputs = Float32Array.from(hashUniform(ROWS * OUTPUTS, 1, -2, 2));
const targets = Float32Array.from(hashUniform(ROWS * OUTPUTS, 2, -2, 2));
const weights = Float32Array.from(hashUniform(ROWS, 3, 0, 2));
const shape = { shape: [OUTPUTS] };
const set = data.fromArrays(outputs, targets, { inputs: shape, targets: shape, weights });
const errors = Array.from(outputs, (x, i) => Math.abs(Math.fround(x - (targets[i] as number))));

/** The largest error of each output, whose number is that of the model. */
const largest = nn.figure({
  init: (output) => ({ error: zeros([output.shape.at(-1) as number]) }),
  update: ({ error }, output, target) => ({ error: error.maximum(output.sub(target).abs().max(0)) }),
  merge: (a, b) => ({ error: a.error.maximum(b.error) }),
  result: ({ error }) => error,
});

/** The median of all errors. */
const median = nn.figure({
  rows: (output, target) => ({ error: output.sub(target).abs() }),
  result: ({ error }) => sort(error.flatten()).slice([[error.size >> 1, (error.size >> 1) + 1]]),
});

/** The error in the order of the samples, by their weights. */
const all = nn.figure({
  rows: (output, target, weight) => ({ error: output.sub(target).abs(), weight }),
  result: ({ error, weight }) => (weight ? error.mul(weight.unsqueeze(1)) : error),
});

const evaluate = (metrics: Metrics, batchSize: number, workers: number, of: data.Dataset = set) =>
  evaluator(metrics, { workers, dtype: 'float32' }).evaluate(of, { batchSize });

describe('metrics of your own', () => {
  it.each([
    [1, 2],
    [4, 3],
    [ROWS, 1],
  ])('are those of all samples in batches of %i on %i workers', async (batchSize, workers) => {
    const found = await evaluate({ largest, median, all }, batchSize, workers);
    const ofOutput = (output: number) => errors.filter((_, i) => i % OUTPUTS === output);
    expect(found.tables?.largest).toEqual({
      shape: [OUTPUTS],
      data: [Math.max(...ofOutput(0)), Math.max(...ofOutput(1))],
    });
    expect(found.median).toBe(errors.toSorted((a, b) => a - b)[ROWS]);
    expect(found.tables?.all).toEqual({
      shape: [ROWS, OUTPUTS],
      data: errors.map((error, i) => Math.fround(error * (weights[i >> 1] as number))),
    });
  });

  it('may do without weights, and be given as functions alone', async () => {
    const unweighted = data.fromArrays(outputs, targets, { inputs: shape, targets: shape });
    const found = await evaluate({ all: all.definition, median: median.definition }, 4, 2, unweighted);
    expect(found.tables?.all?.data).toEqual(errors);
    expect(found.median).toBe(errors.toSorted((a, b) => a - b)[ROWS]);
  });

  it('may keep whole numbers and truths', async () => {
    const labels = Int32Array.from({ length: ROWS }, (_, i) => (i * i) % 5);
    const of = data.fromArrays(outputs, labels, { inputs: shape });
    const kept = nn.figure({
      rows: (output: Tensor, target: Tensor) => ({ label: target, odd: target.mod(2).gt(0), output }),
      result: ({ label, odd }) => odd.where(label.cast('float64'), -1),
    });
    const found = await evaluate({ kept }, 4, 3, of);
    expect(found.tables?.kept?.data).toEqual(Array.from(labels, (label) => (label % 2 === 1 ? label : -1)));
  });

  it('take the memory of what they keep into account', () => {
    const trainer = evaluator({ median }, { dtype: 'float32' });
    const without = evaluator({}, { dtype: 'float32' });
    const bytes = ({ shared }: ReturnType<typeof trainer.plan>) => shared.other;
    const unweighted = data.fromArrays(outputs, targets, { inputs: shape, targets: shape });
    const options = { validation: unweighted };
    const surplus = bytes(trainer.plan(unweighted, options)) - bytes(without.plan(unweighted, options));
    expect(surplus).toBeGreaterThanOrEqual(4 * ROWS * OUTPUTS);
  });
});
