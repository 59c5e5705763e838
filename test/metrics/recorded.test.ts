import { describe, expect, it } from 'vitest';
import { evaluator, metricOf, type RecordedMetrics, readMetrics, samplesOf } from './recorded-metrics.js';

/** The metrics of a case by unique names. */
const named = ({ values }: RecordedMetrics) =>
  Object.fromEntries(values.map((value, i) => [`${i}: ${value[0]} ${JSON.stringify(value[1])}`, value]));

/** Checks all metrics of a case, at one size of batches. */
async function check(recorded: RecordedMetrics, batchSize: number, workers: number) {
  const expected = named(recorded);
  const of = Object.fromEntries(Object.entries(expected).map(([name, value]) => [name, metricOf(value)]));
  const found = await evaluator(of, { workers }).evaluate(samplesOf(recorded), { batchSize });
  for (const [name, [, , shape, numbers]] of Object.entries(expected)) {
    const table = shape.length === 0 ? { shape: [], data: [found[name] as number] } : found.tables?.[name];
    expect(table?.shape, name).toEqual(shape);
    numbers.forEach((number, i) => {
      const value = table?.data[i] as number;
      const size = Math.max(1, Math.abs(number ?? 0));
      if (number === null) expect(value, name).toBeNaN();
      else if (Math.abs(value - number) > 1e-13 * size)
        expect.fail(`${name}: ${value} in place of ${number}`);
    });
  }
}

describe.each(['class_metrics', 'ranking_metrics', 'regression_metrics'])('%s of scikit-learn', (file) => {
  it.each(readMetrics(file))('are those of scikit-learn: %s', async (_, recorded) => {
    await check(recorded, 7, 1);
  });
});
