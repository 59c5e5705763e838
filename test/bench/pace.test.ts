import { expect, it } from 'vitest';
import { runPaceBench } from '#lib/bench/pace.js';

it('bench pace compares an epoch with what was expected of it', async () => {
  const results = [];
  for await (const result of runPaceBench(['tiny_mlp'], 1, 1)) results.push(result);
  const [result] = results;
  expect(results).toHaveLength(1);
  expect(result).toMatchObject({ case: 'tiny_mlp', batch: 32, rounds: 1 });
  const { expectedMs = 0, trainedMs = 0, error = 0, typicalError, largestError } = result ?? {};
  expect(expectedMs).toBeGreaterThan(0);
  expect(trainedMs).toBeGreaterThan(0);
  expect(error).toBeCloseTo(expectedMs / trainedMs - 1, 9);
  expect([typicalError, largestError]).toEqual([Math.abs(error), Math.abs(error)]);
});
