import { describe, expect, it } from 'vitest';
import { chooseKernels } from '#lib/bench/kernels/cases/index.js';
import type { KernelPeer } from '#lib/bench/kernels/kernel-peer.js';
import type { KernelResult } from '#lib/bench/kernels/result.js';
import { runKernelBench } from '#lib/bench/kernels/run.js';
import type { MachineLimits } from '#lib/bench/limits/machine-limits.js';

const measure = async (threads: number): Promise<MachineLimits> => ({
  threads,
  gflopsPerSecond: 1e9,
  bandwidths: [{ bytes: 1, read: 1e9, write: 1e9, copy: 1e9, add: 1e9 }],
});

/** Answers with `ms`, and fails for one op where it is told to. */
function fakePeer(ms: number, failing: { op?: string; in?: 'prepare' | 'round' } = {}): KernelPeer {
  let current = '';
  const attempt = (place: string) => {
    if (failing.op === current && failing.in === place) throw new Error(`no ${current}`);
  };
  return {
    name: 'Fake',
    version: 'Fake 1',
    prepare: async ({ op }) => {
      current = op;
      attempt('prepare');
    },
    round: async () => {
      attempt('round');
      return ms;
    },
    stop: () => {},
  };
}

async function run(families: string[], threads: number[], peer?: KernelPeer) {
  const results: KernelResult[] = [];
  const remarks: string[] = [];
  const limits: number[] = [];
  const options = { families, threads, rounds: 1, measure, ...(peer ? { peer: async () => peer } : {}) };
  const reporter = {
    remark: (line: string) => remarks.push(line),
    limits: (found: MachineLimits) => limits.push(found.threads),
  };
  for await (const result of runKernelBench(options, reporter)) results.push(result);
  return { results, remarks, limits };
}

describe('a run of bench kernels', () => {
  it('times every case of the families on each number of threads', async () => {
    const { results, remarks, limits } = await run(['layerNorm', 'loop'], [1, 2]);
    const names = chooseKernels(['layerNorm', 'loop']).map(({ family, name }) => [family, name]);
    expect(results.map(({ family, kernel }) => [family, kernel])).toEqual([...names, ...names]);
    expect(new Set(results.slice(0, names.length).map(({ threads }) => threads))).toEqual(new Set([1]));
    expect(new Set(results.slice(names.length).map(({ threads }) => threads))).toEqual(new Set([2]));
    expect([remarks, limits]).toEqual([[], [1, 2]]);
    for (const result of results) {
      expect(result.ms).toBeGreaterThan(0);
      expect(result.lostMs).toBeGreaterThan(0);
      expect(result.gflopsPerSecond > 0).toBe(result.family === 'loop');
      expect(result).not.toHaveProperty('blasMs');
      expect(result).not.toHaveProperty('peerMs');
    }
  });

  it('has the time of as many runs of the peer as there are threads', async () => {
    const { results } = await run(['batchNorm'], [2], fakePeer(3));
    for (const { peer, peerMs, ofBest, ms } of results) {
      expect([peer, peerMs]).toEqual(['Fake 1', 6]);
      expect(ofBest).toBeCloseTo(6 / ms);
    }
  });

  it.each(['prepare', 'round'] as const)('goes on where the peer fails in a %s', async (place) => {
    const { results, remarks } = await run(['pool'], [1], fakePeer(3, { op: 'avgPool2d', in: place }));
    expect(results).toHaveLength(chooseKernels(['pool']).length);
    const without = results.filter(({ peerMs }) => peerMs === undefined).map(({ kernel }) => kernel);
    const average = chooseKernels(['pool']).filter(({ peer }) => peer?.op === 'avgPool2d' || !peer);
    expect(without).toEqual(average.map(({ name }) => name));
    expect(remarks).toHaveLength(average.filter(({ peer }) => peer).length);
    expect(remarks[0]).toContain('Fake failed: no avgPool2d');
  });
});
