import { describe, expect, it } from 'vitest';
import { boundOf, type Limits } from '#bench/rows/bound.js';
import { rowCounts, rowScenarios } from '#bench/rows/scenarios.js';
import { cellsOf, summary, titlesOf } from '#bench/rows/table.js';
import type { Peer } from '#lib/bench/peer.js';
import { type Result, runScenarios } from '#lib/bench/run.js';
import type { Scenario } from '#lib/bench/scenario.js';

const LIMITS: Limits = { peak: 100, bandwidth: (bytes) => (bytes > 1e6 ? 10 : 40) };

/** A peer that takes so many milliseconds. */
function fake(name: string, ms: number, seen: Scenario[] = []): Peer {
  return {
    name,
    version: `${name} 1`,
    prepare: async (scenario) => {
      seen.push(scenario);
      return { parameters: 535818, variant: 'eager', remarks: [] };
    },
    round: async () => ms,
    stop: () => {},
  };
}

async function resultsBeside(peers: readonly Peer[]): Promise<Result[]> {
  const results: Result[] = [];
  const options = { workers: 1, rounds: 1, peak: 100, peers: async () => peers };
  const chosen = rowScenarios(['mnist_mlp'], [1, 17]);
  for await (const result of runScenarios(chosen, options, () => {})) results.push(result);
  return results;
}

describe('bench rows', () => {
  it('predicts for each number of rows beside the peers', async () => {
    const seen: Scenario[] = [];
    const results = await resultsBeside([fake('One', 1000, seen), fake('Two', 500)]);
    expect(results.map((result) => [result.case, result.kind, result.batch])).toEqual([
      ['mnist_mlp', 'predict', 1],
      ['mnist_mlp', 'predict', 17],
    ]);
    expect(seen.map(({ kind, batchSize }) => [kind, batchSize])).toEqual([
      ['predict', 1],
      ['predict', 17],
    ]);
    const [first] = results as [Result];
    expect(titlesOf(first)).toEqual([
      ...['case', 'rows', 'ours, ms', 'rows/s', 'One, ms', 'times faster than One'],
      ...['Two, ms', 'times faster than Two', 'than the best', 'bound, ms', 'of the bound'],
    ]);
    expect(cellsOf(first, LIMITS)).toHaveLength(titlesOf(first).length);
    expect(first.bestRatio).toBeCloseTo(500 / first.medianMs);
  });

  it('has every model with every number of rows, and names the models that there are', () => {
    expect(rowScenarios([]).map(({ name, batchSize }) => `${name} ${batchSize}`)).toEqual(
      ['mnist_mlp', 'mnist_cnn', 'resnet18', 'char_gpt'].flatMap((name) =>
        rowCounts.map((rows) => `${name} ${rows}`),
      ),
    );
    expect(() => rowScenarios(['lstm'])).toThrow('unknown case lstm; the cases are mnist_mlp, mnist_cnn,');
  });

  it('is bound by reading the weights or by the operations', () => {
    const result = (parameters: number, flops: number) =>
      ({ parameters, gflopsPerSecond: flops / 2 / 1e6, medianMs: 2 }) as Result;
    // 4 MB at 10 GB/s, 0.4 MB at 40 GB/s, 1 GFLOP at 100 GFLOP/s.
    expect(boundOf(result(1e6, 1e6), LIMITS)).toBeCloseTo(0.4);
    expect(boundOf(result(1e5, 1e5), LIMITS)).toBeCloseTo(0.01);
    expect(boundOf(result(1e6, 1e9), LIMITS)).toBeCloseTo(10);
  });

  it('sums up by geometric means and the worst case', () => {
    const result = (batch: number, one: number, two?: number) => {
      const time = (ratio: number) => ({ version: '1', variant: 'eager', medianMs: ratio, ratio });
      const peers = { One: time(one), Two: two === undefined ? { version: '1', failed: 'no' } : time(two) };
      return { case: 'mnist_mlp', batch, peers, bestRatio: Math.min(one, two ?? one) } as unknown as Result;
    };
    expect(summary([result(1, 4, 2), result(2, 1, 8), result(3, 2)])).toEqual([
      'Geometric mean over 3 cases, in times of ours: 2.00 of One, 4.00 of Two, 1.59 of the best.',
      'Worst case: mnist_mlp with 2 rows, 1.00.',
    ]);
    expect(summary([{ ...result(1, 1), bestRatio: undefined } as unknown as Result])).toEqual([]);
  });
});
