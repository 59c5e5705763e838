import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { data, nn, optim, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { addon } from '#lib/runtime/addon.js';
import type { Progress } from '#lib/train/types.js';
import { failure } from './helpers/graphs.js';
import { tellTime } from './helpers/runs.js';
import { collect, mlp, noise, parametersOf, points, threads } from './helpers/training.js';

const trainerOf = (workers: number) =>
  new Trainer(mlp(), { loss: nn.crossEntropy, optimizer: optim.adam(), workers, shards: 3, seed: 2 });

/** Steps that no test waits for. */
const many = points(100_000);
const options = { batchSize: 4 };

/** Resolves when a trainer that fits has taken some steps. */
async function underWay(trainer: Trainer): Promise<void> {
  for await (const { step } of trainer.progress()) if (step > 0) return;
}

describe('a pause', () => {
  it.each([1, 2, 3])('of %i workers takes no step until it ends, and changes nothing', async (workers) => {
    const expected = trainerOf(1);
    await collect(expected.fit(many.take(8000), options));
    const trainer = trainerOf(workers);
    const fitting = collect(trainer.fit(many.take(8000), options));
    await underWay(trainer);
    trainer.pause();
    expect(trainer.paused).toBe(true);
    // The step under way is finished.
    await sleep(150);
    const before = parametersOf(trainer.model);
    const steps: number[] = [];
    for await (const { step } of trainer.progress()) if (steps.push(step) === 3) break;
    expect(new Set(steps).size).toBe(1);
    expect(parametersOf(trainer.model)).toEqual(before);
    trainer.resume();
    await fitting;
    expect(parametersOf(trainer.model)).toEqual(parametersOf(expected.model));
  });

  it('before fit lets it wait before its first step', async () => {
    const trainer = trainerOf(2);
    trainer.pause();
    const before = parametersOf(trainer.model);
    const fitting = collect(trainer.fit(points(40), options));
    let reports = 0;
    for await (const { step } of trainer.progress()) {
      expect(step).toBe(0);
      if (++reports === 3) break;
    }
    expect(parametersOf(trainer.model)).toEqual(before);
    trainer.resume();
    expect(await fitting).toHaveLength(1);
    expect(trainer.steps).toBe(10);
  });

  it.each([1, 3])('of %i workers is ended by an abort, which takes no step', async (workers) => {
    const trainer = trainerOf(workers);
    const controller = new AbortController();
    const fitting = failure(collect(trainer.fit(many, { ...options, signal: controller.signal })));
    await underWay(trainer);
    trainer.pause();
    await sleep(150);
    const before = parametersOf(trainer.model);
    const start = performance.now();
    controller.abort();
    expect((await fitting).name).toBe('AbortError');
    tellTime(`an abort in a pause of ${workers}, until fit rejected`, start);
    expect(parametersOf(trainer.model)).toEqual(before);
    expect(threads()).toBe(0);
    trainer.resume();
    expect(await collect(trainer.fit(points(20), options))).toHaveLength(1);
  });

  it('is no stuck worker', async () => {
    const trainer = trainerOf(2);
    const fitting = collect(trainer.fit(many.take(4000), { ...options, stepTimeout: 700 }));
    await underWay(trainer);
    trainer.pause();
    await sleep(1200);
    trainer.resume();
    expect(await fitting).toHaveLength(1);
  });
});

describe('progress', () => {
  it('goes to several readers until fit ends, and the latest to a slow one', async () => {
    const trainer = trainerOf(2);
    const read = async (delay: number) => {
      const seen: Progress[] = [];
      for await (const progress of trainer.progress()) {
        seen.push(progress);
        await sleep(delay);
      }
      return seen;
    };
    const readers = [read(0), read(0), read(350)];
    await collect(trainer.fit(points(20_000), { ...options, epochs: 2 }));
    const [first, second, slow] = await Promise.all(readers);
    expect(first).toEqual(second);
    expect(first?.at(-1)).toMatchObject({ epoch: 2, step: 5000, steps: 5000, examples: 20_000 });
    expect(slow?.at(-1)).toEqual(first?.at(-1));
    expect(slow?.length).toBeLessThan(first?.length ?? 0);
    const order = first?.map(({ epoch, step }) => epoch * 5000 + step) ?? [];
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('ends when fit fails, and waits through other calls for a fit', async () => {
    const trainer = trainerOf(2);
    const reading = (async () => {
      const seen: number[] = [];
      for await (const { step } of trainer.progress()) seen.push(step);
      return seen;
    })();
    await trainer.evaluate(points(20));
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    await failure(collect(trainer.fit(many, { ...options, onProgress, signal: controller.signal })));
    expect((await reading).length).toBeGreaterThan(0);
  });
});

describe('fit in a worker thread', () => {
  const script = new URL('./helpers/fit-in-thread.mjs', import.meta.url);
  const inputs = noise(20 * 6, 3);
  const labels = Int32Array.from({ length: 20 }, (_, i) => i % 3);
  const begin = (workers: number, endless: boolean) =>
    new Worker(script, { workerData: { inputs, labels, workers, endless } });
  const answer = (worker: Worker) =>
    new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));

  it.each([1, 2])('on %i workers gives the same bits', async (workers) => {
    const trainer = trainerOf(2);
    const samples = data.fromArrays(inputs, labels, { inputs: { shape: [6] } });
    await collect(trainer.fit(samples, { ...options, epochs: 3 }));
    const worker = begin(workers, false);
    expect(await answer(worker)).toEqual(parametersOf(trainer.model));
    await worker.terminate();
  });

  it('counts among the trainings of the process, and no longer when the thread is terminated', async () => {
    const worker = begin(2, true);
    await answer(worker);
    expect(addon.trainings(0)).toBe(1);
    await worker.terminate();
    expect(addon.trainings(0)).toBe(0);
  });
});

describe('500 fits in one process', () => {
  it('take no more memory and threads than 100', async () => {
    const start = performance.now();
    const file = fileURLToPath(new URL('./helpers/many-fits.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', file]);
    tellTime(`500 fits, ${stdout.trim().split('\n').at(-1)}`, start);
    type Figures = { fit: number; megabytes: number; threads: number };
    const figures = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Figures);
    const [first, last] = [figures[0] as Figures, figures.at(-1) as Figures];
    expect([first.fit, last.fit]).toEqual([100, 500]);
    expect(last.threads).toBe(first.threads);
    // A heap of a page more for each of the 400 fits would be 100; one thread that is left behind keeps 5 or more.
    expect(last.megabytes - first.megabytes).toBeLessThan(25);
  }, 240_000);
});
