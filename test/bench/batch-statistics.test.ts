import { expect, it } from 'vitest';
import { runBatchStatistics, type StatisticsResult } from '../../bench/batch-statistics.js';

it('compares statistics of the batch with those of shards, which cost accuracy if they are of few rows', async () => {
  const found: StatisticsResult[] = [];
  const options = { shards: [1, 32], seeds: [1], train: 2560, test: 500, epochs: 2 };
  for await (const result of runBatchStatistics(options)) found.push(result);
  const accuracyOf = (statistics: string, shards: number) =>
    found.find((one) => one.statistics === statistics && one.shards === shards)?.accuracies[0] as number;
  expect(found).toHaveLength(4);
  // Sums are rounded in another order.
  expect(accuracyOf('batch', 32)).toBeCloseTo(accuracyOf('batch', 1), 1);
  expect(accuracyOf('shard', 1)).toBe(accuracyOf('batch', 1));
  expect(accuracyOf('shard', 32)).toBeLessThan(accuracyOf('batch', 32));
});
