import type { Worker } from 'node:worker_threads';
import { ChainruleError, data, nn, optim, Trainer } from 'chainrule';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WorkerPool } from '#lib/parallel/prepare/pool.js';
import { Control } from '#lib/parallel/protocol/control.js';
import type { Job, SharedMemory } from '#lib/parallel/protocol/job.js';
import { viewInto } from '#lib/parallel/protocol/shared-memory.js';
import { Gate } from '../helpers/gate.js';
import { failure } from '../helpers/graphs.js';
import { collect, mlp, noise, parametersOf, points, threads, uncheckedLoss } from '../helpers/training.js';

/** Threads that were started since the test began. */
let started: Worker[] = [];
const note = (worker: Worker) => started.push(worker);

beforeEach(() => {
  started = [];
  process.on('worker', note);
});

afterEach(() => {
  process.off('worker', note);
  vi.restoreAllMocks();
});

const trainerOf = (workers: number, loss: typeof uncheckedLoss = nn.crossEntropy) =>
  new Trainer(mlp(), { loss, optimizer: optim.sgd({ lr: 0.05 }), workers, shards: workers, seed: 2 });

/** More steps than any test waits for. */
const endless = { epochs: 1e6, batchSize: 4 };

/** Fits on good data, to show that nothing is left of a failure. */
async function expectToWork(trainer: Trainer): Promise<void> {
  const steps = trainer.steps;
  expect(await collect(trainer.fit(points(20), { batchSize: 4 }))).toHaveLength(1);
  expect(trainer.steps).toBe(steps + 5);
  expect(threads()).toBe(0);
}

/** Remembers the step that was done when a pool was asked to stop. */
function watchStop() {
  const seen = { step: Number.NaN };
  const original = WorkerPool.prototype.requestStop;
  vi.spyOn(WorkerPool.prototype, 'requestStop').mockImplementation(function (this: WorkerPool) {
    original.call(this);
    const { job } = this as unknown as { job: Job };
    seen.step = new Control(job.control).stepsDone;
  });
  return seen;
}

describe('threads', () => {
  it('are as many as workers, and gone when fit is done', async () => {
    const trainer = trainerOf(3);
    for await (const _ of trainer.fit(points(20), { epochs: 2 })) expect(threads()).toBe(3);
    expect(threads()).toBe(0);
    await trainer.evaluate(points(20));
    expect(threads()).toBe(0);
    expect(started).toHaveLength(6);
  });

  it('end when the loop is left early', async () => {
    const trainer = trainerOf(2);
    for await (const { epoch } of trainer.fit(points(20), endless)) {
      if (epoch === 3) break;
    }
    expect(threads()).toBe(0);
    expect(trainer.steps).toBe(15);
    await expectToWork(trainer);
  });

  it('end when the body of the loop throws', async () => {
    const trainer = trainerOf(2);
    const loop = async () => {
      for await (const _ of trainer.fit(points(20), endless)) throw new Error('enough');
    };
    expect((await failure(loop())).message).toBe('enough');
    expect(threads()).toBe(0);
    await expectToWork(trainer);
  });

  it.each([
    ['at the end of an epoch', 1],
    ['in the middle of one', 100],
  ])('end when what is told of the progress throws, %s', async (_, samples) => {
    const trainer = trainerOf(2);
    const gate = new Gate(points(samples), 50);
    const onProgress = () => {
      gate.open();
      throw new Error('no bar');
    };
    const error = await failure(collect(trainer.fit(gate.samples, { batchSize: 1, onProgress })));
    expect(error.message).toBe('no bar');
    expect(trainer.steps).toBeLessThan(100);
    expect(threads()).toBe(0);
    await expectToWork(trainer);
  });
});

describe('an abort', () => {
  it('ends training after the step under way, with the reason of the signal', async () => {
    const trainer = trainerOf(2);
    const stop = watchStop();
    const controller = new AbortController();
    const reason = new Error('the user left');
    const options = { ...endless, batchSize: 1, signal: controller.signal };
    const samples = points(100_000);
    const onProgress = () => controller.abort(reason);
    expect(await failure(collect(trainer.fit(samples, { ...options, onProgress })))).toBe(reason);
    expect(trainer.steps).toBeGreaterThanOrEqual(stop.step);
    expect(trainer.steps).toBeLessThanOrEqual(stop.step + 1);
    expect(threads()).toBe(0);
    await expectToWork(trainer);
  });

  it('before the start starts nothing', async () => {
    const trainer = trainerOf(2);
    const error = await failure(collect(trainer.fit(points(20), { signal: AbortSignal.abort() })));
    expect(error.name).toBe('AbortError');
    expect(started).toHaveLength(0);
    await expectToWork(trainer);
  });

  it('while threads start lets them do one step at most', async () => {
    const trainer = trainerOf(2);
    const controller = new AbortController();
    const start = WorkerPool.start;
    vi.spyOn(WorkerPool, 'start').mockImplementation(async (job) => {
      controller.abort();
      return start.call(WorkerPool, job);
    });
    const options = { batchSize: 1, signal: controller.signal };
    const error = await failure(collect(trainer.fit(points(500), options)));
    expect(error.name).toBe('AbortError');
    expect(trainer.steps).toBeLessThanOrEqual(1);
    expect(threads()).toBe(0);
    await expectToWork(trainer);
  });

  it('between two epochs ends the loop', async () => {
    const trainer = trainerOf(2);
    const controller = new AbortController();
    const loop = async () => {
      for await (const _ of trainer.fit(points(20), { ...endless, signal: controller.signal }))
        controller.abort();
    };
    expect((await failure(loop())).name).toBe('AbortError');
    expect(trainer.steps).toBe(5);
    expect(threads()).toBe(0);
  });

  it('ends an evaluation too', async () => {
    const trainer = trainerOf(2);
    const controller = new AbortController();
    let states: SharedMemory[] = [];
    const run = WorkerPool.prototype.run;
    vi.spyOn(WorkerPool.prototype, 'run').mockImplementation(function (this: WorkerPool, task) {
      const running = run.call(this, task);
      const { job } = this as unknown as { job: Job };
      states = [...(job.evaluation?.states ?? states)];
      controller.abort();
      return running;
    });
    const evaluating = trainer.evaluate(points(1000), { batchSize: 1, signal: controller.signal });
    expect((await failure(evaluating)).name).toBe('AbortError');
    // The sums and weights of the loss and the accuracy, which no worker has begun.
    expect(states).toHaveLength(4);
    for (const state of states) expect(viewInto(state).every((value) => value === 0)).toBe(true);
    expect(threads()).toBe(0);
  });
});

describe('a worker that throws', () => {
  it.each([1, 2, 3])('rejects fit with its error, of %s', async (workers) => {
    const trainer = trainerOf(workers, uncheckedLoss);
    const labels = new Int32Array(24).fill(1);
    labels[22] = 7;
    const samples = data.fromArrays(noise(24 * 6, 3), labels, { inputs: { shape: [6] } });
    const error = await failure(collect(trainer.fit(samples, { batchSize: 4, shuffle: false })));
    expect(error.message).toMatch(
      /^crossEntropy: index 7 at position \d is outside 0\.\.2, at epoch 1, step 5\. The parameters are those of/,
    );
    expect(threads()).toBe(0);
    // Five batches were good, and the sixth changed nothing.
    expect(trainer.steps).toBe(5);
    const good = trainerOf(workers, uncheckedLoss);
    await collect(good.fit(samples.take(20), { batchSize: 4, shuffle: false }));
    expect(parametersOf(trainer.model)).toEqual(parametersOf(good.model));
    await expectToWork(trainer);
  });

  it('rejects evaluate with its error', async () => {
    const trainer = trainerOf(2, uncheckedLoss);
    const samples = data.fromArrays(noise(12, 3), [0, -5], { inputs: { shape: [6] } });
    const error = await failure(trainer.evaluate(samples));
    expect(error.message).toMatch(/index -5 at position 1 is outside 0\.\.2/);
    expect(error).toBeInstanceOf(ChainruleError);
    expect(error).toMatchObject({ code: 'ERR_CHAINRULE_DATA', op: 'crossEntropy' });
    expect(threads()).toBe(0);
    await expectToWork(trainer);
  });

  it('in the validation after an epoch rejects fit', async () => {
    const trainer = trainerOf(2, uncheckedLoss);
    const validation = data.fromArrays(noise(12, 3), [0, 3], { inputs: { shape: [6] } });
    const error = await failure(collect(trainer.fit(points(20), { validation, batchSize: 4 })));
    expect(error.message).toMatch(/index 3 at position 1 is outside 0\.\.2/);
    expect(trainer.steps).toBe(5);
    await expectToWork(trainer);
  });
});

describe('a worker that is terminated', () => {
  it.each([
    [1, 0],
    [2, 0],
    [3, 2],
  ])('of %s rejects fit, and the next fit works', async (workers, victim) => {
    const trainer = trainerOf(workers);
    const gate = new Gate(points(100), 50);
    const fitting = failure(collect(trainer.fit(gate.samples, { batchSize: 1 })));
    await gate.reached();
    await started[victim]?.terminate();
    gate.open();
    const error = await fitting;
    expect(error.message).toMatch(/^parallel: a worker thread was ended before its work was done/);
    expect(trainer.steps).toBeLessThan(100);
    expect(threads()).toBe(0);
    await expectToWork(trainer);
  });
});
