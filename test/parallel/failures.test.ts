import { setFlagsFromString } from 'node:v8';
import { data, type ErrorCode, type nn, optim, type Trainer, type TrainerOptions } from 'chainrule';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WorkerPool } from '#lib/parallel/prepare/pool.js';
import { Control } from '#lib/parallel/protocol/control.js';
import { addon } from '#lib/runtime/addon.js';
import { newJob } from '#lib/train/prepare/jobs.js';
import { Gate } from '../helpers/gate.js';
import { failure } from '../helpers/graphs.js';
import { LONG } from '../helpers/long.js';
import { hashOf, Threads, tellTime, trainerOf, wide } from '../helpers/runs.js';
import { collect, points, threads } from '../helpers/training.js';

type Kind = 'throw' | 'exit' | 'heap' | 'loop';

// A worker that allocates without end should not take gigabytes first. Threads that start later have this limit.
setFlagsFromString('--max-old-space-size=48');

let live: Threads;
beforeEach(() => {
  live = new Threads();
});
afterEach(() => {
  live.close();
  vi.restoreAllMocks();
});

const BATCH = 10;
/** Only the time of a step that is in an endless loop counts, on a machine of any speed. */
const STUCK_MS = 200;
const options = { batchSize: BATCH, shuffle: false };
const adam = () => optim.adamW({ lr: 0.01, clipNorm: 0.5, accumulate: 2 });

/** Samples, some of which make their workers fail a number of times. */
function failing(length: number, kind: Kind, at: readonly number[], times = 1) {
  const left = new Int32Array(new SharedArrayBuffer(4)).fill(times);
  const module = new URL('../helpers/programs/fail-sample.mjs', import.meta.url);
  const samples = points(length).transform([data.custom(module, { options: { at, kind, left } })]);
  return { samples, failures: () => times - Math.max(0, Atomics.load(left, 0)) };
}

/** Lets time count for the watch over stuck workers only while one is. */
function countWhile(stuck: () => boolean): void {
  vi.spyOn(Control.prototype, 'paused', 'get').mockImplementation(() => !stuck());
}

const hashes = new Map<string, Promise<string>>();

/** The hash after the first steps of a run that nothing disturbs. */
function undisturbed(steps: number, samples = points(100)): Promise<string> {
  const train = async () => {
    const trainer = trainerOf(adam(), { workers: 1 });
    if (steps > 0) await collect(trainer.fit(samples.take(steps * BATCH), options));
    return hashOf(trainer.model);
  };
  const key = `${samples.length} ${steps}`;
  const hash = hashes.get(key) ?? train();
  hashes.set(key, hash);
  return hash;
}

const STOPPED = /, at epoch 1, step (\d+)\. The parameters are those of the last whole step$/;

/** The trainer says after which step it failed, and is what a run would be that stopped there. It can train again. */
async function expectWholeSteps(trainer: Trainer, error: Error, samples?: data.Dataset): Promise<number> {
  expect(error.message).toMatch(STOPPED);
  const [, step] = STOPPED.exec(error.message) ?? [];
  // The step in which it failed, if some of the update had been made, is finished.
  expect([Number(step), Number(step) + 1]).toContain(trainer.steps);
  expect(hashOf(trainer.model)).toBe(await undisturbed(trainer.steps, samples));
  expect(threads()).toBe(0);
  expect(await collect(trainer.fit(points(20), options))).toHaveLength(1);
  expect(threads()).toBe(0);
  return Number(step);
}

/** The error that `fit` rejects with, and the time from its start until then. */
async function timed(what: string, run: () => Promise<unknown>): Promise<Error> {
  const start = performance.now();
  const error = await failure(run());
  tellTime(`${what}, until fit rejected`, start);
  return error;
}

/** Ways in which a worker fails. */
const ways: readonly [string, Kind, RegExp, ErrorCode][] = [
  ['throws', 'throw', /no image/, 'ERR_CHAINRULE_BAD_ITEM'],
  [
    'ends itself',
    'exit',
    /a worker thread was ended before its work was done \(worker exited with code: 7\)/,
    'ERR_CHAINRULE_WORKER_ENDED',
  ],
  ['runs out of memory', 'heap', /memory limit/, 'ERR_CHAINRULE_WORKER_ENDED'],
  [
    'is in an endless loop',
    'loop',
    /a step must not take longer than stepTimeout \(200 ms\): worker \d/,
    'ERR_CHAINRULE_WORKER_STUCK',
  ],
];

describe('a failure of a worker', () => {
  // The sample has each way once.
  const cases = [1, 3].flatMap((workers, i) =>
    ways.filter((_, way) => LONG || way % 2 === i).map((way) => [workers, ...way] as const),
  );
  it.each(cases)(
    'of %i that %s rejects fit with the cause and the step',
    async (workers, what, kind, cause, code) => {
      const trainer = trainerOf(adam(), { workers });
      // In the sixth batch, the rows of which may be loaded during the fifth step.
      const { samples, failures } = failing(100, kind, [57]);
      const kill = vi.spyOn(WorkerPool.prototype, 'kill');
      countWhile(() => failures() > 0 && kill.mock.calls.length === 0);
      const stepTimeout = kind === 'loop' ? STUCK_MS : 600_000;
      const run = () => collect(trainer.fit(samples, { ...options, stepTimeout }));
      const error = await timed(`a worker of ${workers} that ${what}`, run);
      expect(error.message).toMatch(cause);
      expect(error).toMatchObject({ code, cause: { code } });
      const step = await expectWholeSteps(trainer, error);
      expect([4, 5]).toContain(step);
      expect(live.started).toBeGreaterThanOrEqual(2 * workers);
    },
  );
});

describe('workers that are started anew', () => {
  it.each<[string, Kind]>([
    ['throw', 'throw'],
    ['end themselves', 'exit'],
    ['run out of memory', 'heap'],
    ['are in an endless loop', 'loop'],
  ])('because they %s go on with the same bits', async (what, kind) => {
    const lines: string[] = [];
    const restarts = () =>
      lines.filter((line) => line.startsWith('fit: the workers are started anew, because')).length;
    const trainer = trainerOf(adam(), { workers: 2, log: (line) => lines.push(line) });
    const { samples, failures } = failing(100, kind, [3, 57, 99], 3);
    countWhile(() => failures() > restarts());
    const stepTimeout = kind === 'loop' ? STUCK_MS : 600_000;
    const start = performance.now();
    const epochs = await collect(trainer.fit(samples, { ...options, stepTimeout, restartWorkers: 3 }));
    tellTime(`three failures of workers that ${what}, and the rest of ten steps`, start);
    expect(epochs.map(({ stepLosses }) => stepLosses.every(Number.isFinite))).toEqual([true]);
    expect(hashOf(trainer.model)).toBe(await undisturbed(10));
    expect(restarts()).toBe(3);
    expect(threads()).toBe(0);
  });

  it('too often end training with the last failure', async () => {
    const trainer = trainerOf(adam(), { workers: 2 });
    const { samples } = failing(100, 'exit', [57], 3);
    const run = () => collect(trainer.fit(samples, { ...options, restartWorkers: 2 }));
    const error = await timed('three failures with two restarts', run);
    await expectWholeSteps(trainer, error);
  });

  it('in a validation evaluate again', async () => {
    const trainer = trainerOf(adam(), { workers: 2 });
    const { samples: validation } = failing(40, 'exit', [25]);
    const fitOptions = { ...options, validation, restartWorkers: 1 };
    const [epoch] = await collect(trainer.fit(points(100), fitOptions));
    expect(epoch?.validation).toEqual(await trainer.evaluate(points(40), { batchSize: BATCH }));
  });
});

const KILLS = LONG ? 20 : 2;

describe('workers that are terminated at random moments', () => {
  const random = (seed: number) => () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  /**
   * Ends one thread after another, each shortly after the training has resumed, until the training is over or enough
   * have ended.
   */
  async function terminateMany(
    trainer: Trainer,
    over: () => boolean,
    { count, seed, whenDone }: { count: number; seed: number; whenDone: () => void },
  ) {
    const next = random(seed);
    const feed = trainer.progress();
    let done = 0;
    for await (const { step } of feed) {
      if (over() || done === count) break;
      if (step === 0) continue;
      await sleep(30 * next());
      const alive = [...live.alive];
      alive[Math.floor(next() * alive.length)]?.terminate();
      done++;
    }
    // Whoever trains faster than threads are ended is held near the end until that is done.
    whenDone();
    return () => done;
  }

  it.each<[string, () => optim.Optimizer, Partial<TrainerOptions>, model?: () => nn.Module]>([
    ['of 2', () => optim.sgd({ lr: 0.02, momentum: 0.9 }), { workers: 2 }],
    ['of 3, whose updates compute gradients', () => optim.adam(), { workers: 3 }, wide],
    ['of 3, with clipping and accumulation', adam, { workers: 3 }],
    ["of 'auto', while others train now and then", () => optim.adam({ clipNorm: 1 }), { workers: 'auto' }],
  ])('%s leave the same bits', async (what, optimizer, given, model) => {
    const samples = points((LONG ? 12_000 : 3000) * (model ? 1 : 5));
    const reference = trainerOf(optimizer(), { workers: 1 }, model?.());
    const shape = {
      batchSize: given.workers === 'auto' ? 600 : 12,
      epochs: given.workers === 'auto' ? 30 : 2,
    };
    const expected = await collect(reference.fit(samples, shape));
    const trainer = trainerOf(optimizer(), given, model?.());
    const gate = new Gate(samples, 0, shape.epochs - 1);
    let over = false;
    let another = false;
    const toggle = () => {
      addon().trainings(another ? -1 : 1);
      another = !another;
    };
    const others = setInterval(toggle, 7);
    const killing = terminateMany(trainer, () => over, {
      count: KILLS,
      seed: 5,
      whenDone: () => gate.open(),
    });
    const start = performance.now();
    const epochs = await collect(trainer.fit(gate.samples, { ...shape, restartWorkers: 50 })).finally(() => {
      over = true;
      clearInterval(others);
      if (another) toggle();
    });
    const done = await killing;
    tellTime(`${done()} workers ${what} terminated, and the rest of the run`, start);
    expect(done()).toBe(KILLS);
    expect(epochs.map(({ stepLosses }) => [...stepLosses])).toEqual(
      expected.map(({ stepLosses }) => [...stepLosses]),
    );
    expect(hashOf(trainer.model)).toBe(hashOf(reference.model));
    expect(threads()).toBe(0);
  });

  it('leave the parameters of whole steps', async () => {
    const next = random(9);
    const samples = points(LONG ? 20_000 : 8000);
    for (let run = 0; run < (LONG ? 8 : 2); run++) {
      const trainer = trainerOf(adam(), { workers: 2 + (run % 2) });
      // The training cannot be over before its thread is ended.
      const gate = new Gate(samples, samples.length - BATCH);
      let chosen = false;
      const onProgress = ({ step }: { step: number }) => {
        if (step === 0 || chosen) return;
        chosen = true;
        const victims = [...live.alive];
        setTimeout(async () => {
          await victims[run % victims.length]?.terminate();
          gate.open();
        }, 20 * next());
      };
      const error = await failure(collect(trainer.fit(gate.samples, { ...options, onProgress })));
      await expectWholeSteps(trainer, error, samples);
    }
  });
});

it('a pool that is stopped twice starts no thread for those that end', async () => {
  const pool = await WorkerPool.start(newJob({ workers: 2, seed: 0 }));
  expect(await Promise.all([pool.stop(), pool.stop()])).toEqual([true, true]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect([live.started, live.alive.size]).toEqual([2, 0]);
});

describe('a thread that does not end', () => {
  it('makes fit reject, and the trainer unusable', async () => {
    const trainer = trainerOf(adam(), { workers: 2 });
    const stop = WorkerPool.prototype.stop;
    vi.spyOn(WorkerPool.prototype, 'stop').mockImplementation(async function (this: WorkerPool) {
      await stop.call(this);
      return false;
    });
    const error = await failure(
      collect(trainer.fit(failing(100, 'exit', [57]).samples, { ...options, restartWorkers: 1 })),
    );
    expect(error.message).toMatch(
      /did not end.*The parameters are not to be used: a thread has not ended and may still change/,
    );
    await expect(collect(trainer.fit(points(20)))).rejects.toThrow(
      /not to be used: a thread has not ended.*make a new trainer/,
    );
  });
});
