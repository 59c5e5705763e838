import { readFileSync } from 'node:fs';
import { conv2d, matmul, nn, type Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { figuresOf } from '#lib/bench/figures.js';
import { floats, functionCase } from '#lib/bench/kernels/cases/build.js';
import { type ConvSpec, casesOf, flopsOf } from '#lib/bench/kernels/cases/conv.js';
import { kernelNamed } from '#lib/bench/kernels/cases/index.js';
import type { KernelCase } from '#lib/bench/kernels/kernel-case.js';
import { compileCase } from '#lib/bench/kernels/prepare-kernel.js';
import { boundOf } from '#lib/bench/limits/case-bound.js';
import { bytesBehind, type CaseWork } from '#lib/bench/limits/case-work.js';
import type { MachineLimits } from '#lib/bench/limits/machine-limits.js';
import { productFlops, WINOGRAD_SHARE } from '#lib/bench/limits/products.js';
import { type Result, runBench } from '#lib/bench/run.js';
import { chooseScenarios, scenarios } from '#lib/bench/scenarios/index.js';
import { boundSummary, cellsOf, measuredSection, titlesOf } from '#lib/bench/table.js';

const planOf = (kernel: KernelCase) => compileCase(kernel).compiled.plan;
const methodsOf = (kernel: KernelCase) =>
  planOf(kernel).steps.flatMap((step) => (step.kernel === 'call' ? (step.method ?? '') : []));

describe('the operations of a plan', () => {
  it.each<ConvSpec>([
    { images: 2, side: 9, channels: 4, out: 5, kernel: 5, padding: 2 },
    { images: 2, side: 9, channels: 4, out: 5, kernel: 3, padding: 1, stride: 2 },
    { images: 1, side: 9, channels: 6, out: 4, kernel: 3, padding: 4, dilation: 3, groups: 2 },
    { images: 1, side: 6, channels: 8, out: 8, kernel: 3, padding: 1, groups: 8 },
  ])('are those of direct sums without padding (kernel $kernel)', (spec) => {
    for (const kernel of casesOf(spec)) {
      expect(methodsOf(kernel)).toEqual(['direct']);
      expect(productFlops(planOf(kernel))).toBeCloseTo(flopsOf(spec), 5);
    }
  });

  it('are a quarter where a convolution takes the method of Winograd', () => {
    const spec = { images: 16, side: 16, channels: 128, out: 128, kernel: 3, padding: 1 };
    for (const kernel of casesOf(spec)) {
      expect(methodsOf(kernel)).toEqual(['winograd']);
      expect(productFlops(planOf(kernel))).toBe((2 * 16 * 16 ** 2 * 9 * 128 ** 2) / 4);
    }
  });

  it('know the sizes of that method that the kernels have', () => {
    const header = readFileSync(
      new URL('../../../native/kernels/conv/winograd_transform.h', import.meta.url),
      'utf8',
    );
    const constant = (name: string) => Number(new RegExp(`${name} = (\\d+)`).exec(header)?.[1]);
    expect(WINOGRAD_SHARE).toBe(constant('kPositions') / (9 * constant('kTileSide') ** 2));
  });

  it('are those of products, in loops too, and not of element-wise work', () => {
    const product = functionCase({
      family: 'matmul',
      name: 'with a nonlinearity',
      inputs: [floats(3, 4), floats(4, 5)],
      fn: (a, b) => nn.gelu(matmul(a as Tensor, b as Tensor)),
    });
    expect(productFlops(planOf(product))).toBe(2 * 3 * 4 * 5);
    const loop = kernelNamed('loop LSTM 16x100x64 to 256');
    expect(productFlops(planOf(loop))).toBe(loop.flops);
  });

  it('count an empty convolution as nothing', () => {
    const empty = functionCase({
      family: 'conv2d',
      name: 'of no images',
      inputs: [floats(0, 4, 4, 1), floats(3, 3, 1, 1)],
      fn: (x, w) => conv2d(x as Tensor, w as Tensor),
    });
    expect(productFlops(planOf(empty))).toBe(0);
  });
});

describe('the bytes behind a cache', () => {
  const work: CaseWork = { flops: 0, stateBytes: 100, writesState: true, liveBytes: 30, shards: 4 };

  it('are what is alive at once and does not fit, in and out, for each round of shards', () => {
    // Two rounds of two shards: 160 bytes with the state, then 60.
    expect(bytesBehind(work, 50, 2)).toBe(2 * (160 - 50 + (60 - 50)));
    expect(bytesBehind(work, 120, 2)).toBe(2 * (160 - 120));
    expect(bytesBehind(work, 160, 2)).toBe(0);
    expect(bytesBehind(work, 0, 2)).toBe(2 * (160 + 60));
    expect(bytesBehind(work, 0, 1)).toBe(2 * (130 + 3 * 30));
    expect(bytesBehind({ ...work, shards: 1 }, 0, 8)).toBe(2 * 130);
  });

  it('are the weights alone that a prediction reads', () => {
    expect(bytesBehind({ ...work, writesState: false, shards: 1 }, 40, 1)).toBe(60);
  });

  it('are parameters and moments of a training', () => {
    const { parameters, work: found } = figuresOf(scenario('mnist_mlp'), 2);
    expect(found).toMatchObject({ writesState: true, shards: 4 });
    // Runs of parameters begin with cache lines.
    expect(found.stateBytes / (3 * 4 * parameters)).toBeCloseTo(1, 4);
    const sizes = [784 * 512, 512 * 256, 256 * 10] as const;
    const products = 2 * 128 * (3 * (sizes[0] + sizes[1] + sizes[2]) - sizes[0]);
    expect(found.flops / products).toBeGreaterThanOrEqual(1);
    expect(found.flops / products).toBeLessThan(1.001);
    const predicted = figuresOf(scenario('predict_mlp'), 2);
    expect(predicted.work).toMatchObject({ writesState: false, shards: 1 });
    expect(predicted.work.stateBytes / (4 * predicted.parameters)).toBeCloseTo(1, 3);
  });
});

const scenario = (name: string) => chooseScenarios(scenarios, [name])[0] as (typeof scenarios)[number];

const rates = (bytes: number, rate: number) => ({ bytes, read: rate, write: rate, copy: rate, add: rate });
const limits: MachineLimits = {
  threads: 2,
  gflopsPerSecond: 100,
  bandwidths: [rates(16, 100), rates(64, 40), rates(128, 10)],
};
const caches = [
  { level: 1, bytes: 32, sharedBy: 1 },
  { level: 2, bytes: 128, sharedBy: 2 },
];

describe('the bound of a case', () => {
  const state = (bytes: number): CaseWork => ({
    flops: 0,
    stateBytes: bytes,
    writesState: true,
    liveBytes: 0,
    shards: 2,
  });

  it('is the longest of products and of the bytes from each level of memory', () => {
    const bound = (work: CaseWork) => boundOf(work, limits, 1, caches);
    expect(bound({ ...state(0), flops: 2e8 })).toEqual({ ms: 2, by: 'products', share: 2, reached: true });
    // All from the first level at 100 GB/s; what exceeds 64 bytes at 40, and what exceeds 128 at 10.
    expect(bound(state(40))).toMatchObject({ by: 'L1', ms: 80 / 100 / 1e6 });
    expect(bound(state(128))).toMatchObject({ by: 'L2', ms: (2 * 64) / 40 / 1e6 });
    expect(bound(state(1000))).toMatchObject({ by: 'memory', ms: (2 * 872) / 10 / 1e6 });
  });

  it('is reached by what is within 10 % of it', () => {
    const work = { ...state(0), flops: 1e8 };
    expect(boundOf(work, limits, 1.09, caches)).toMatchObject({ ms: 1, reached: true });
    expect(boundOf(work, limits, 1.11, caches)).toMatchObject({ ms: 1, reached: false });
    expect(boundOf(work, limits, 2, caches).share).toBe(0.5);
  });

  it('stands in the results where the limits are known', async () => {
    const asked: number[] = [];
    const known = async (threads: number) => {
      asked.push(threads);
      return { ...limits, threads };
    };
    const options = { cases: ['tiny_mlp', 'predict_mlp'], workers: 2, rounds: 1, peak: 100, limits: known };
    const results: Result[] = [];
    for await (const result of runBench(options, () => {})) results.push(result);
    // A prediction has one thread.
    expect(asked).toEqual([2, 1]);
    for (const result of results) {
      expect(result.bound?.share).toBeCloseTo((result.bound?.ms ?? 0) / result.medianMs);
      expect(cellsOf(result)).toHaveLength(titlesOf(result).length);
      expect(titlesOf(result).slice(-2)).toEqual(['bound, ms', 'of bound']);
    }
  });
});

describe('the summary of bounds', () => {
  const result = (name: string, kind: Result['kind'], share: number, bestRatio?: number): Result => ({
    ...{ case: name, kind, model: 'a model', batch: 1, workers: 2, rounds: 9, medianMs: 1, minMs: 1 },
    ...{ examplesPerSecond: 1, parameters: 1, gflopsPerSecond: 1, shareOfPeak: 1, peakGflopsPerSecond: 1 },
    ...{ arenaBytes: 1, compileMs: 1, peers: {} },
    bound: { ms: share, by: 'products', share, reached: share > 0.9 },
    ...(bestRatio === undefined ? {} : { bestRatio }),
  });

  it('names the cases that reached theirs, and has the mean that they would give', () => {
    const results = [
      result('a', 'train', 0.5, 2),
      result('b', 'train', 0.95, 0.95),
      result('c', 'predict', 0.1, 9),
    ];
    expect(boundSummary(results)).toBe('Within 10 % of the bound: b. The bounds would give 2.00 times.');
    expect(cellsOf(results[1] as Result)).toEqual(
      expect.arrayContaining(['0.950 (products)', '95.0 %, reached']),
    );
    expect(measuredSection(results.map((one) => ({ ...one, machine: 'A machine' })))).toMatch(
      /faster than the best peer\. Within 10 % of the bound: b\. The bounds would give 2\.00 times\.$/,
    );
  });

  it('has no mean without peers, and says nothing without bounds', () => {
    expect(boundSummary([result('a', 'train', 0.5)])).toBe('Within 10 % of the bound: none.');
    const { bound: _, ...unbounded } = result('a', 'train', 0.5, 2);
    expect(boundSummary([unbounded])).toBeNull();
  });
});
