import { expect, it } from 'vitest';
import type { Peer } from '#lib/bench/peer.js';
import { isTime, type PeerTime } from '#lib/bench/peer-rounds.js';
import { runBench } from '#lib/bench/run.js';
import { cellsOf } from '#lib/bench/table.js';

/** A peer whose rounds take so many milliseconds. */
function fake(name: string, threads?: number, fails = false): Peer {
  return {
    name,
    version: `${name} 1`,
    ...(threads ? { threads } : {}),
    prepare: async ({ kind }) => {
      if (fails) throw new Error('no convolutions');
      return { parameters: kind === 'train' ? 5378 : 535818, variant: 'wasm', remarks: [] };
    },
    round: async () => 8,
    stop: () => {},
  };
}

async function resultOf(name: string, workers: number, peers: readonly Peer[]) {
  const options = { cases: [name], workers, rounds: 3, peak: 100, peers: async () => peers };
  for await (const result of runBench(options, () => {})) return result;
  throw new Error('there is no result');
}

it('a peer with fewer threads is compared with as many of ours as well', async () => {
  const result = await resultOf('tiny_mlp', 2, [fake('One', 1), fake('Two'), fake('Other', 1, true)]);
  const { One, Two, Other } = result.peers as Record<'One' | 'Two' | 'Other', PeerTime>;
  expect(One.equalThreads?.threads).toBe(1);
  // Of times that all are 8, the median of the ratios is the ratio of the median.
  expect(One.equalThreads?.ratio).toBeCloseTo(8 / (One.equalThreads?.ourMs ?? 0));
  expect(One.ratio).toBeCloseTo(8 / result.medianMs);
  expect(Two.equalThreads).toBeUndefined();
  expect(isTime(Other)).toBe(false);
  const { ourMs = 0, ratio = 0 } = One.equalThreads ?? {};
  const cell = `${One.ratio.toFixed(2)} (${ratio.toFixed(2)} with one thread, ${ourMs.toPrecision(3)} ms)`;
  expect(cellsOf(result)).toContain(cell);
});

it.each([
  ['of the same number', 'tiny_mlp', 1],
  ['of a prediction, which has one', 'predict_mlp', 2],
])('a peer with one thread is compared once beside ours %s', async (_, name, workers) => {
  const { peers } = await resultOf(name, workers, [fake('One', 1)]);
  expect((peers.One as PeerTime).equalThreads).toBeUndefined();
});
