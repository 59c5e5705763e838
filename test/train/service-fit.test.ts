import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { data, nn, optim, Trainer } from 'chainrule';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Control } from '#lib/parallel/protocol/control.js';
import { addon } from '#lib/runtime/addon.js';
import { ProgressFeed } from '#lib/train/fit/progress-feed.js';
import { Watchdog } from '#lib/train/fit/watchdog.js';
import type { FitOptions, Progress } from '#lib/train/options.js';
import { newJob } from '#lib/train/prepare/jobs.js';
import { Gate } from '../helpers/gate.js';
import { failure } from '../helpers/graphs.js';
import { LONG } from '../helpers/long.js';
import { tellTime } from '../helpers/runs.js';
import { collect, mlp, noise, parametersOf, points, threads } from '../helpers/training.js';

const trainerOf = (workers: number) =>
  new Trainer(mlp(), { loss: nn.crossEntropy, optimizer: optim.adam(), workers, shards: 3, seed: 2 });

const options = { batchSize: 4, shuffle: false };
const HELD = 10;
const STEPS = 20;
const samples = points(STEPS * options.batchSize);

const weights = new Map<number, Promise<number[]>>();

/** The weights after a number of uninterrupted steps. */
function weightsAfter(steps: number): Promise<number[]> {
  const train = async () => {
    const trainer = trainerOf(1);
    await collect(trainer.fit(samples.take(steps * options.batchSize), options));
    return parametersOf(trainer.model);
  };
  const known = weights.get(steps) ?? train();
  weights.set(steps, known);
  return known;
}

/** A training that is in the last of its first `HELD` steps until its gate is opened. */
async function held(workers: number, given: FitOptions = {}) {
  const trainer = trainerOf(workers);
  const gate = new Gate(samples, HELD * options.batchSize);
  const controller = new AbortController();
  const signal = controller.signal;
  const fitting = collect(trainer.fit(gate.samples, { ...options, signal, ...given }));
  // Whatever the outcome of the test, none of its training continues alongside the next one.
  onTestFinished(async () => {
    gate.open();
    controller.abort();
    await fitting.catch(() => {});
  });
  await gate.reached();
  return { trainer, gate, fitting, controller };
}

/** Pauses a training that is held, and resolves when the step under way is over. */
async function pauseAfterStep(workers: number) {
  const training = await held(workers);
  training.trainer.pause();
  training.gate.open();
  await untilWeightsAre(training.trainer, await weightsAfter(HELD));
  return training;
}

async function untilWeightsAre(trainer: Trainer, weights: readonly number[]): Promise<void> {
  await vi.waitFor(() => expect(parametersOf(trainer.model)).toEqual(weights), { timeout: 200_000 });
}

/** The next reports of a training's progress. */
async function reports(trainer: Trainer, count: number): Promise<Progress[]> {
  const seen: Progress[] = [];
  for await (const progress of trainer.progress()) if (seen.push(progress) === count) break;
  return seen;
}

describe('a pause', () => {
  it.each(LONG ? [1, 2, 3] : [2])(
    'of %i workers takes no step until it ends, and changes nothing',
    async (workers) => {
      const { trainer, fitting } = await pauseAfterStep(workers);
      expect(trainer.paused).toBe(true);
      expect((await reports(trainer, 3)).map(({ step }) => step)).toEqual([HELD, HELD, HELD]);
      expect(parametersOf(trainer.model)).toEqual(await weightsAfter(HELD));
      trainer.resume();
      await fitting;
      expect(parametersOf(trainer.model)).toEqual(await weightsAfter(STEPS));
    },
  );

  it('before fit lets it wait before its first step', async () => {
    const trainer = trainerOf(2);
    trainer.pause();
    const before = parametersOf(trainer.model);
    const fitting = collect(trainer.fit(points(40), options));
    expect((await reports(trainer, 3)).map(({ step }) => step)).toEqual([0, 0, 0]);
    expect(parametersOf(trainer.model)).toEqual(before);
    trainer.resume();
    expect(await fitting).toHaveLength(1);
    expect(trainer.steps).toBe(10);
  });

  it.each(LONG ? [1, 3] : [3])('of %i workers is ended by an abort, which takes no step', async (workers) => {
    const { trainer, fitting, controller } = await pauseAfterStep(workers);
    const start = performance.now();
    controller.abort();
    expect((await failure(fitting)).name).toBe('AbortError');
    tellTime(`an abort in a pause of ${workers}, until fit rejected`, start);
    expect(parametersOf(trainer.model)).toEqual(await weightsAfter(HELD));
    expect(threads()).toBe(0);
    trainer.resume();
    expect(await collect(trainer.fit(points(20), options))).toHaveLength(1);
  });
});

describe('the watch over stuck workers', () => {
  const LIMIT = 5000;
  /** A check after a number of seconds, at most one of which counts. */
  function watched() {
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    onTestFinished(() => void vi.restoreAllMocks());
    const job = newJob({ workers: 2, seed: 0 });
    const watchdog = new Watchdog(job, LIMIT);
    const look = () => {
      now += 1000;
      return watchdog.look();
    };
    return { control: new Control(job.control), look };
  }

  it('names those that others wait for after the limit, and begins anew with each step', () => {
    const { control, look } = watched();
    for (let i = 0; i < 6; i++) expect(look()).toBeUndefined();
    control.stepsDone = 1;
    for (let i = 0; i < 6; i++) expect(look()).toBeUndefined();
    expect(look()?.message).toMatch(/stepTimeout \(5000 ms\): worker 0 and 1 did not finish/);
  });

  it('does not count a pause', () => {
    const { control, look } = watched();
    control.paused = true;
    for (let i = 0; i < 20; i++) expect(look()).toBeUndefined();
    control.paused = false;
    for (let i = 0; i < 5; i++) expect(look()).toBeUndefined();
    expect(look()?.message).toMatch(/did not finish/);
  });
});

describe('progress', () => {
  const progress = (step: number) => ({ step }) as Progress;

  it('goes to several readers until fit ends', async () => {
    const { trainer, gate, fitting } = await held(2, { epochs: 2 });
    const readers = [collectProgress(trainer), collectProgress(trainer)];
    const few = await reports(trainer, 2);
    expect(few.map(({ step, steps }) => [step, steps])).toEqual(Array(2).fill([HELD - 1, STEPS]));
    gate.open();
    await fitting;
    const [first, second] = await Promise.all(readers);
    expect(first).toEqual(second);
    expect(first?.at(-1)).toMatchObject({ epoch: 2, step: STEPS, steps: STEPS, examples: 4 * STEPS });
    const order = first?.map(({ epoch, step }) => epoch * STEPS + step) ?? [];
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('is the latest for a slow reader', async () => {
    const feed = new ProgressFeed();
    const [quick, slow] = [feed.read(), feed.read()];
    const first = [quick.next(), slow.next()];
    feed.publish(progress(1));
    expect((await Promise.all(first)).map(({ value }) => value)).toEqual([progress(1), progress(1)]);
    for (const step of [2, 3]) {
      feed.publish(progress(step));
      expect((await quick.next()).value).toEqual(progress(step));
    }
    expect((await slow.next()).value).toEqual(progress(3));
    feed.end();
    expect(await Promise.all([quick.next(), slow.next()])).toEqual(Array(2).fill({ done: true }));
  });

  it('ends when fit fails, and waits through other calls for a fit', async () => {
    const trainer = trainerOf(2);
    const reading = collectProgress(trainer);
    await trainer.evaluate(points(20));
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const endless = { ...options, epochs: 1e6, onProgress, signal: controller.signal };
    await failure(collect(trainer.fit(samples, endless)));
    expect((await reading).length).toBeGreaterThan(0);
  });
});

/** All reports until `fit` ends. */
async function collectProgress(trainer: Trainer): Promise<Progress[]> {
  const seen: Progress[] = [];
  for await (const progress of trainer.progress()) seen.push(progress);
  return seen;
}

describe('the trainings that share the cores', () => {
  it('are those whose threads work: neither one that is paused nor one whose next epoch nobody asked for', async () => {
    const before = addon().trainings(0);
    const { trainer, gate, fitting } = await held(2);
    expect(addon().trainings(0)).toBe(before + 1);
    trainer.pause();
    expect(addon().trainings(0)).toBe(before);
    trainer.resume();
    expect(addon().trainings(0)).toBe(before + 1);
    gate.open();
    await fitting;
    expect(addon().trainings(0)).toBe(before);

    const epochs = trainerOf(2).fit(samples, { ...options, epochs: 2 });
    await epochs.next();
    expect(addon().trainings(0)).toBe(before);
    await epochs.return();
    expect(addon().trainings(0)).toBe(before);
  });
});

describe('fit in a worker thread', () => {
  const script = new URL('../helpers/programs/fit-in-thread.mjs', import.meta.url);
  const inputs = noise(20 * 6, 3);
  const labels = Int32Array.from({ length: 20 }, (_, i) => i % 3);
  const begin = (workers: number, endless: boolean) =>
    new Worker(script, { workerData: { inputs, labels, workers, endless } });
  const answer = (worker: Worker) =>
    new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));

  it.each([1, 2])('on %i workers gives the same bits', async (workers) => {
    const trainer = trainerOf(2);
    const own = data.fromArrays(inputs, labels, { inputs: { shape: [6] } });
    await collect(trainer.fit(own, { batchSize: 4, epochs: 3 }));
    const worker = begin(workers, false);
    expect(await answer(worker)).toEqual(parametersOf(trainer.model));
    await worker.terminate();
  });

  it('counts among the trainings of the process, and no longer when the thread is terminated', async () => {
    const before = addon().trainings(0);
    const worker = begin(2, true);
    onTestFinished(async () => void (await worker.terminate()));
    await answer(worker);
    // Between two of its short epochs it does not count.
    await vi.waitFor(() => expect(addon().trainings(0)).toBe(before + 1), { timeout: 60_000, interval: 1 });
    await worker.terminate();
    expect(addon().trainings(0)).toBe(before);
  });
});

/** A heap of a page more for each fit would be found by the many, one thread that is left behind by either. */
const FITS = LONG ? 500 : 30;

describe(`${FITS} fits in one process`, () => {
  it(`take no more memory and threads than ${FITS / 5}`, async () => {
    const start = performance.now();
    const file = fileURLToPath(new URL('../helpers/programs/many-fits.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', file, String(FITS)]);
    tellTime(`${FITS} fits, ${stdout.trim().split('\n').at(-1)}`, start);
    type Figures = { fit: number; megabytes: number; threads: number };
    const figures = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Figures);
    const [first, last] = [figures[0] as Figures, figures.at(-1) as Figures];
    expect([first.fit, last.fit]).toEqual([FITS / 5, FITS]);
    expect(last.threads).toBe(first.threads);
    // A heap of a page more for each of 400 fits would be 100; one thread that is left behind keeps 5 or more.
    expect(last.megabytes - first.megabytes).toBeLessThan(25);
  });
});
