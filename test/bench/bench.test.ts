import { optim, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { figuresOf } from '#lib/bench/figures.js';
import { randomData } from '#lib/bench/random-data.js';
import { runBench } from '#lib/bench/run.js';
import { runScaleBench, type ScaleResult } from '#lib/bench/scale.js';
import {
  runScaleWorkersBench,
  runShardsBench,
  serialShare,
  type WorkersResult,
} from '#lib/bench/scale-workers.js';
import type { Scenario, TrainingScenario } from '#lib/bench/scenario.js';
import { chooseScenarios, scenarios } from '#lib/bench/scenarios/index.js';
import { geometricMean, median } from '#lib/bench/statistics.js';
import { type Memory, runSteadyBench } from '#lib/bench/steady.js';

const scenario = (name: string) => chooseScenarios(scenarios, [name])[0] as Scenario;

/** By hand, from the models' descriptions. */
const parameters: Readonly<Record<string, number>> = {
  tiny_mlp: 16 * 64 + 64 + 64 * 64 + 64 + 64 * 2 + 2,
  mnist_mlp: 784 * 512 + 512 + 512 * 256 + 256 + 256 * 10 + 10,
  large_mlp: 1024 * 2048 + 2048 + 2 * (2048 * 2048 + 2048) + 2048 * 1000 + 1000,
  lenet: 25 * 6 + 6 + 25 * 6 * 16 + 16 + 400 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10,
  mnist_cnn: 9 * 32 + 32 + 9 * 32 * 64 + 64 + 12544 * 128 + 128 + 128 * 10 + 10,
  // As torchvision's, whose ResNet-18 has 11,689,512 with a 7x7 stem and 1000 classes.
  resnet18: 11_689_512 - (49 - 9) * 3 * 64 - 990 * 513,
  char_gpt: 96 * 128 + 64 * 128 + 4 * (12 * 128 ** 2 + 13 * 128) + 2 * 128 + 128 * 96 + 96,
  lstm: 4 * 256 * (64 + 256 + 2) + 256 * 10 + 10,
};

describe('the cases of the benchmark', () => {
  it.each(Object.entries(parameters))('%s has %i parameters', (name, count) => {
    expect(figuresOf(scenario(name), 1).parameters).toBe(count);
  });

  it.each(['char_gpt', 'lstm', 'resnet20'])('%s can be trained', async (name) => {
    const { model, loss, ...rest } = scenario(name) as TrainingScenario;
    const small = { ...rest, model, loss, batchSize: 2 };
    const trainer = new Trainer(model(), { loss, optimizer: optim[rest.optimizer](), workers: 2, shards: 2 });
    for await (const { stepLosses } of trainer.fit(randomData(small, 2), { batchSize: 2 })) {
      expect(stepLosses).toHaveLength(2);
      expect(stepLosses.every(Number.isFinite)).toBe(true);
    }
  });
});

describe('the figures of a case', () => {
  it.each([1, 2, 3])('operations are those of the products and little more, with %i workers', (workers) => {
    const [batch, sizes] = [128, [784 * 512, 512 * 256, 256 * 10] as const];
    const products = 2 * batch * (3 * (sizes[0] + sizes[1] + sizes[2]) - sizes[0]);
    const { flops } = figuresOf(scenario('mnist_mlp'), workers);
    expect(flops / products).toBeGreaterThan(1);
    expect(flops / products).toBeLessThan(1.1);
  });

  it('operations of convolutions are those of their definition', () => {
    const first = 28 * 28 * 9 * 32;
    const rest = 28 * 28 * 9 * 32 * 64 + 12544 * 128 + 1280;
    const products = 2 * 128 * (2 * first + 3 * rest);
    const { flops, arenaBytes } = figuresOf(scenario('mnist_cnn'), 2);
    expect(flops / products).toBeGreaterThan(1);
    expect(flops / products).toBeLessThan(1.05);
    // At least what the second convolution's output, of which the backward pass has need, takes.
    expect(arenaBytes).toBeGreaterThan(128 * 28 * 28 * 64);
  });

  it('operations of loops count every step', () => {
    const step = 32 * 4 * 256 * (64 + 256);
    const { flops } = figuresOf(scenario('lstm'), 2);
    expect(flops).toBeGreaterThan(2 * 100 * (3 * step - 32 * 4 * 256 * 64));
    expect(flops).toBeLessThan(2 * 100 * 3.3 * step);
  });

  it('a prediction is a forward pass', () => {
    const products = 2 * (784 * 512 + 512 * 256 + 256 * 10);
    const { flops } = figuresOf(scenario('predict_mlp'), 2);
    expect(flops / products).toBeGreaterThan(1);
    expect(flops / products).toBeLessThan(1.01);
  });
});

describe('bench', () => {
  it('times steps and predictions', async () => {
    const results = [];
    const options = { cases: ['tiny_mlp', 'predict_mlp'], workers: 2, rounds: 1, peak: 100 };
    for await (const result of runBench(options, () => {})) results.push(result);
    expect(results.map((result) => [result.case, result.kind, result.batch])).toEqual([
      ['tiny_mlp', 'train', 32],
      ['predict_mlp', 'predict', 1],
    ]);
    for (const {
      case: name,
      medianMs,
      examplesPerSecond,
      gflopsPerSecond,
      shareOfPeak,
      peers,
      batch,
    } of results) {
      const { flops } = figuresOf(scenario(name), 2);
      expect(examplesPerSecond).toBeCloseTo((1000 * batch) / medianMs);
      expect(gflopsPerSecond).toBeCloseTo(flops / medianMs / 1e6);
      expect(shareOfPeak).toBeCloseTo(gflopsPerSecond / 100);
      expect(peers).toEqual({});
    }
  });

  it('names the cases that there are', async () => {
    const run = runBench({ cases: ['vgg'], workers: 1, peak: 1 }, () => {});
    await expect(run.next()).rejects.toThrow('bench: unknown case vgg; the cases are tiny_mlp, mnist_mlp,');
  });
});

it('medians and geometric means', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(geometricMean([1, 8, 1])).toBeCloseTo(2);
});

describe('bench scale', () => {
  it('compares the time for an operation with that of the base', async () => {
    const results = [];
    for await (const result of runScaleBench(['mlp'], 1, 1)) results.push(result);
    const [base, width, depth, batch, all] = results as [ScaleResult, ...ScaleResult[]];
    expect(results.map(({ doubled }) => doubled)).toEqual([
      'base',
      'width',
      'depth',
      'batch',
      'width, depth and batch',
    ]);
    expect(base.timePerFlop).toBe(1);
    expect(width?.model).toBe('512-1024-1024-10');
    expect(depth?.model).toBe('512-512-512-512-512-10');
    expect(batch?.batch).toBe(256);
    const perFlop = ({ medianMs, flops }: ScaleResult) => medianMs / flops;
    expect(all?.timePerFlop).toBeCloseTo(perFlop(all as ScaleResult) / perFlop(base));
  });

  it('names the models that there are', async () => {
    await expect(runScaleBench(['vgg'], 1).next()).rejects.toThrow(
      'unknown model vgg; the models are mlp, cnn, transformer',
    );
  });
});

describe('bench scale-workers', () => {
  it('compares each number of workers with one, and tells what the pool takes of a step', async () => {
    const results: WorkersResult[] = [];
    for await (const result of runScaleWorkersBench(['tiny_mlp'], 2, 1)) results.push(result);
    const [one, two] = results as [WorkersResult, WorkersResult];
    expect(results.map(({ workers }) => workers)).toEqual([1, 2]);
    expect([one.speedup, one.efficiency, one.serialShare]).toEqual([1, 1, 0]);
    expect(two.speedup).toBeCloseTo(one.medianMs / two.medianMs);
    expect(two.efficiency).toBeCloseTo(two.speedup / 2);
    for (const { parts } of results) {
      const { step, wait, barrier, sum, update } = parts;
      expect(Math.min(...Object.values(parts))).toBeGreaterThan(0);
      expect(wait + sum + update).toBeLessThan(step);
      expect(barrier).toBeLessThanOrEqual(wait);
    }
  });

  it('takes the serial share from the law of Amdahl', () => {
    const step = (workers: number) => 0.1 + 0.9 / workers;
    for (const workers of [1, 2, 4, 16]) {
      expect(serialShare(step(1) / step(workers), workers)).toBeCloseTo(workers === 1 ? 0 : 0.1);
    }
  });

  it('names the cases that there are', async () => {
    const run = runScaleWorkersBench(['predict_mlp'], 1);
    await expect(run.next()).rejects.toThrow('unknown case predict_mlp; the cases are tiny_mlp, mnist_mlp,');
  });
});

it('bench shards compares so many shards with one for each worker', async () => {
  const results = [];
  for await (const result of runShardsBench(['tiny_mlp'], { workers: 2, shards: 8 }, 1)) results.push(result);
  expect(results).toMatchObject([{ case: 'tiny_mlp', batch: 32, workers: 2, shards: 8 }]);
  for await (const result of runShardsBench(['tiny_mlp'], { workers: 2 }, 1)) results.push(result);
  expect(results[1]?.shards).toBe(1);
  for (const { medianMs, oneEachMs, ratio } of results) expect(ratio).toBeCloseTo(medianMs / oneEachMs);
});

describe('bench steady', () => {
  it('looks at the memory every hundred steps, and the heap stays as it is', async () => {
    const looks = [];
    for await (const look of runSteadyBench(['tiny_mlp'], 2, 1000)) looks.push(look);
    expect(looks.map(({ step }) => step)).toEqual(Array.from({ length: 11 }, (_, i) => 100 * i));
    const [first, last] = [looks[0], looks.at(-1)] as [Memory, Memory];
    // A tensor of the model's for every step would be 16 MB and more.
    expect(last.heapBytes - first.heapBytes).toBeLessThan(1e6);
    expect(last.externalBytes - first.externalBytes).toBeLessThan(1e6);
    expect(last.rssBytes - first.rssBytes).toBeLessThan(16e6);
  });
});
