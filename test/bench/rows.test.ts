import { describe, expect, it } from 'vitest';
import { rowCounts, rowScenarios } from '#bench/rows/scenarios.js';
import { cellsOf, summary, titlesOf } from '#bench/rows/table.js';
import type { Peer } from '#lib/bench/peer.js';
import { type Result, runScenarios } from '#lib/bench/run.js';
import type { Scenario } from '#lib/bench/scenario.js';

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
      ...['Two, ms', 'times faster than Two', 'than the best', 'bound, ms', 'of bound'],
    ]);
    expect(cellsOf(first)).toHaveLength(titlesOf(first).length);
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

  it('has the bound of each case', () => {
    const result = {
      case: 'mnist_mlp',
      batch: 1,
      medianMs: 2,
      examplesPerSecond: 500,
      peers: {},
    } as unknown as Result;
    const cells = (bound?: Result['bound']) => cellsOf({ ...result, ...(bound ? { bound } : {}) }).slice(-2);
    expect(cells({ ms: 1.9, by: 'L3', share: 0.95, reached: true })).toEqual([
      '1.90 (L3)',
      '95.0 %, reached',
    ]);
    expect(cells({ ms: 1, by: 'products', share: 0.5, reached: false })).toEqual([
      '1.00 (products)',
      '50.0 %',
    ]);
    expect(cells()).toEqual(['-', '-']);
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
