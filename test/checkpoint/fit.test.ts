import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { type CheckpointOptions, type FitOptions, io, nn, optim, type ResumePoint, Trainer } from 'chainrule';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { findNewest } from '#lib/checkpoint/directory.js';
import { useFolder } from '../helpers/folder.js';
import { failure } from '../helpers/graphs.js';
import { hashOf } from '../helpers/programs/resumable-run.mjs';
import { smallDisk } from '../helpers/small-disk.js';
import { collect, mlp, points, threads } from '../helpers/training.js';

const folder = useFolder();
const samples = points(60);

interface Settings {
  readonly optimizer?: optim.Optimizer;
  readonly seed?: number;
  /** 'chosen' to give none. Default 2. */
  readonly shards?: number | 'chosen';
  readonly hidden?: number;
}

function newTrainer({ optimizer = optim.adam(), seed = 1, shards = 2, hidden = 16 }: Settings = {}): Trainer {
  return new Trainer(mlp(6, 3, hidden), {
    loss: nn.crossEntropy,
    optimizer,
    workers: 2,
    ...(shards === 'chosen' ? {} : { shards }),
    seed,
  });
}

const train = (
  trainer: Trainer,
  checkpoint: CheckpointOptions,
  { data = samples, ...options }: FitOptions & { data?: typeof samples } = {},
) => collect(trainer.fit(data, { epochs: 3, batchSize: 20, checkpoint, ...options }));

const references = new Map<number, string>();

/** The hash after some epochs without checkpoints. */
async function reference(epochs: number): Promise<string> {
  const known = references.get(epochs);
  if (known !== undefined) return known;
  const trainer = newTrainer();
  await collect(trainer.fit(samples, { epochs, batchSize: 20 }));
  const hash = hashOf(trainer.model);
  references.set(epochs, hash);
  return hash;
}

/** The warnings about checkpoints while a function runs. */
async function warningsOf(run: () => Promise<unknown>): Promise<string[]> {
  const spy = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  try {
    await run();
    return spy.mock.calls.map(([warning, options]) => {
      expect(options).toEqual({ code: 'CHAINRULE_CHECKPOINT' });
      return String(warning);
    });
  } finally {
    spy.mockRestore();
  }
}

describe('fit with a checkpoint', () => {
  it('that is finished yields nothing, and gives the weights and the history', async () => {
    const dir = folder();
    const first = newTrainer();
    const results = await train(first, { dir });
    expect(results).toHaveLength(3);
    const again = newTrainer();
    const points: ResumePoint[] = [];
    expect(await train(again, { dir, onResume: (point) => void points.push(point) })).toEqual([]);
    expect(hashOf(again.model)).toBe(await reference(3));
    expect(again.history).toEqual(first.history);
    expect(again.history).toEqual(
      results.map(({ stepLosses, ...figures }) => expect.objectContaining(figures)),
    );
    const path = join(dir, 'step-000000009.safetensors');
    expect(points).toEqual([{ path, step: 9, epochs: 3, epochStep: 0 }]);
    expect(await train(again, { dir }, { epochs: 5 })).toHaveLength(2);
    expect(hashOf(again.model)).toBe(await reference(5));
  });

  it('saves when the loop is left, and goes on with the same trainer or a new one', async () => {
    for (const renew of [false, true]) {
      const dir = folder();
      let trainer = newTrainer();
      const options = { epochs: 3, batchSize: 20, checkpoint: { dir } };
      for await (const { epoch } of trainer.fit(samples, options)) if (epoch === 1) break;
      expect(readdirSync(dir)).toEqual(['step-000000003.safetensors']);
      if (renew) trainer = newTrainer();
      expect((await train(trainer, { dir })).map(({ epoch }) => epoch)).toEqual([2, 3]);
      expect(hashOf(trainer.model)).toBe(await reference(3));
    }
  });

  it('saves when the signal aborts', async () => {
    const dir = folder();
    const trainer = newTrainer();
    const abort = new AbortController();
    const run = train(
      trainer,
      { dir },
      {
        epochs: 1_000_000,
        signal: abort.signal,
        onProgress: ({ epoch }) => {
          if (epoch === 3) abort.abort(new Error('enough'));
        },
      },
    );
    await expect(run).rejects.toThrow('enough');
    const { steps } = trainer;
    expect(steps).toBeGreaterThan(0);
    expect(readdirSync(dir)).toEqual([`step-${String(steps).padStart(9, '0')}.safetensors`]);
    const epochs = Math.ceil(steps / 3) + 1;
    const resumed = newTrainer();
    await train(resumed, { dir }, { epochs });
    expect(hashOf(resumed.model)).toBe(await reference(epochs));
  });

  it('keeps as many files as it is told, and leaves no thread and no listener', async () => {
    const dir = folder();
    const [listeners, running] = [process.listenerCount('SIGTERM'), threads()];
    await train(newTrainer(), { dir, everySteps: 1, keep: 2 }, { epochs: 20 });
    expect(readdirSync(dir)).toHaveLength(2);
    expect(readdirSync(dir)[1]).toBe('step-000000060.safetensors');
    expect([process.listenerCount('SIGTERM'), threads()]).toEqual([listeners, running]);
  });

  it('saves by the clock', async () => {
    const dir = folder();
    const trainer = newTrainer();
    const seen: string[] = [];
    const options = { epochs: 100_000, batchSize: 20, checkpoint: { dir, everyMinutes: 1 / 6000 } };
    for await (const _ of trainer.fit(samples, options)) {
      seen.push(...readdirSync(dir).filter((name) => name.startsWith('step-') && !seen.includes(name)));
      if (seen.length >= 3) break;
    }
    expect(seen.length).toBeGreaterThanOrEqual(3);
  });

  it('tells a reported schedule of each epoch once', async () => {
    const dir = folder();
    const counting = () => {
      let reports: number[] = [];
      return Object.assign(() => 0.01, {
        report: (figure: number) => void reports.push(figure),
        state: () => [...reports],
        restore: (state: optim.ScheduleState) => {
          reports = [...(state as number[])];
        },
        seen: () => reports,
      });
    };
    const lr = counting();
    // An error after the last step of the second epoch, before its figures are reported.
    const failing = train(
      newTrainer({ optimizer: optim.sgd({ lr }) }),
      { dir, everySteps: 6 },
      {
        validation: points(20),
        onProgress: ({ epoch, step }) => {
          if (epoch === 2 && step === 3) throw new Error('here');
        },
      },
    );
    await expect(failing).rejects.toThrow('here');
    expect(lr.seen()).toHaveLength(1);
    const again = counting();
    const resumed = newTrainer({ optimizer: optim.sgd({ lr: again }) });
    const results = await train(resumed, { dir }, { validation: points(20) });
    expect(results.map(({ epoch }) => epoch)).toEqual([2, 3]);
    expect(again.seen()).toEqual(resumed.history.map(({ validation }) => validation?.loss));
    expect(again.seen()).toHaveLength(3);
  });

  it('goes on when the thread that writes is ended, and loses no checkpoint', async () => {
    const dir = folder();
    const started: Worker[] = [];
    const listen = (worker: Worker) => started.push(worker);
    process.on('worker', listen);
    const trainer = newTrainer();
    const warnings = await warningsOf(async () => {
      for await (const { epoch } of trainer.fit(samples, {
        epochs: 20,
        batchSize: 20,
        checkpoint: { dir, everySteps: 1 },
      })) {
        // The first thread that a call starts; the one that replaces it is the last.
        if (epoch === 1) await started[0]?.terminate();
        if (epoch === 10) await started.at(-1)?.terminate();
      }
    });
    process.off('worker', listen);
    for (const warning of warnings) expect(warning).toContain('is started anew');
    expect(hashOf(trainer.model)).toBe(await reference(20));
    expect((await findNewest(dir)).found?.step).toBe(60);
    expect(readdirSync(dir).every((name) => name.startsWith('step-'))).toBe(true);
  });

  it('writes files that a model loads', async () => {
    const dir = folder();
    const trainer = newTrainer();
    await train(trainer, { dir });
    const path = join(dir, readdirSync(dir)[0] as string);
    const model = mlp();
    await model.load(path);
    expect(hashOf(model)).toBe(hashOf(trainer.model));
    const { tensors } = await io.readSafetensors(path);
    expect(Object.keys(tensors)).toContain('training/optimizer/mean/0.weight');
  });

  it('takes the number of shards from the run, where none is given', async () => {
    const dir = folder();
    await train(newTrainer({ shards: 5 }), { dir }, { epochs: 1 });
    const trainer = newTrainer({ shards: 'chosen' });
    await train(trainer, { dir }, { epochs: 2 });
    const whole = newTrainer({ shards: 5 });
    await collect(whole.fit(samples, { epochs: 2, batchSize: 20 }));
    expect(hashOf(trainer.model)).toBe(hashOf(whole.model));
  });
});

describe('fit with a checkpoint of another run', () => {
  const kept = mkdtempSync(join(tmpdir(), 'chainrule-another-run-'));
  afterAll(() => rmSync(kept, { recursive: true }));
  /** The directory of a run of one epoch, which tests copy. */
  const saved = async () => {
    if (readdirSync(kept).length === 0) await train(newTrainer(), { dir: kept }, { epochs: 1 });
    return kept;
  };

  it.each<[string, Settings, Parameters<typeof train>[2], RegExp]>([
    [
      'seed',
      { seed: 2 },
      {},
      /the checkpoint .*step-000000003.* is of another run: seed: 1 in the .*, 2 given/,
    ],
    ['shards', { shards: 3 }, {}, /run: shards: 2 in the checkpoint, 3 given/],
    ['batch size', {}, { batchSize: 30 }, /run: batchSize: 20 in the checkpoint, 30 given/],
    ['order', {}, { shuffle: false }, /run: shuffle: true in the checkpoint, false given/],
    ['data', {}, { data: points(61) }, /run: data.length: 60 in the checkpoint, 61 given; data.inputs: /],
    [
      'optimiser',
      { optimizer: optim.sgd({ lr: 1 }) },
      {},
      /run: optimizer: adam in the checkpoint, sgd given/,
    ],
    ['averages', { optimizer: optim.adam({ average: 0.9 }) }, {}, /optimizer.average: none in .*, 0.9 given/],
    ['accumulation', { optimizer: optim.adam({ accumulate: 2 }) }, {}, /accumulate: 1 in .*, 2 given/],
    ['shape', { hidden: 8 }, {}, /0\.weight: float32\[16,6\] in the checkpoint, float32\[8,6\] given/],
  ])('refuses another %s, and changes nothing', async (_, settings, options, message) => {
    const dir = folder();
    cpSync(await saved(), dir, { recursive: true });
    const trainer = newTrainer(settings);
    const before = hashOf(trainer.model);
    await expect(train(trainer, { dir }, options)).rejects.toThrow(message);
    expect([hashOf(trainer.model), trainer.steps]).toEqual([before, 0]);
  });

  it('refuses a trainer that has taken other steps, and takes one that was there when the run began', async () => {
    const dir = folder();
    const both = newTrainer();
    await collect(both.fit(samples, { batchSize: 20 }));
    await train(both, { dir }, { epochs: 2 });
    const stranger = newTrainer();
    await collect(stranger.fit(samples, { batchSize: 20, epochs: 2 }));
    await expect(train(stranger, { dir })).rejects.toThrow(
      /fit: the trainer must be new, or have taken the 9 steps of the checkpoint .*, got 6 steps/,
    );
    const restarted = newTrainer();
    await collect(restarted.fit(samples, { batchSize: 20 }));
    const results = await train(restarted, { dir }, { epochs: 3 });
    expect(results.map(({ epoch }) => epoch)).toEqual([4]);
    expect(hashOf(restarted.model)).toBe(await reference(4));
  });
});

describe('fit with a damaged checkpoint', () => {
  it('warns, names the file, and goes on from the one before', async () => {
    const dir = folder();
    await train(newTrainer(), { dir }, { epochs: 1 });
    await train(newTrainer(), { dir }, { epochs: 2 });
    const newest = join(dir, 'step-000000006.safetensors');
    truncateSync(newest, 1000);
    const trainer = newTrainer();
    const warnings = await warningsOf(() => train(trainer, { dir }));
    expect(warnings).toEqual([expect.stringContaining(`the checkpoint ${newest} is skipped: `)]);
    expect(hashOf(trainer.model)).toBe(await reference(3));
  });

  it('is an error where no other is there', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'step-000000002.safetensors'), '');
    const run = warningsOf(() => train(newTrainer(), { dir }));
    const error = await failure(run);
    expect(error.message).toContain(`fit: checkpoint dir ${dir}: no checkpoint in it is whole: ${dir}`);
    expect(error).toMatchObject({ code: 'ERR_CHAINRULE_CHECKPOINT' });
  });
});

describe('fit with a directory that cannot be used', () => {
  it('finds that before the first step', async () => {
    const dir = join(folder(), 'file');
    writeFileSync(dir, '');
    const trainer = newTrainer();
    await expect(train(trainer, { dir, onError: 'warn' })).rejects.toThrow(
      `fit: checkpoint dir ${dir}: it cannot be opened: EEXIST`,
    );
    expect(trainer.steps).toBe(0);
  });

  it('stops, or warns and goes on, when the disk is full or read-only', async (context) => {
    const disk = smallDisk(32 * 1024);
    if (typeof disk === 'string') return context.skip(disk);
    try {
      const { dir } = disk;
      const fill = () => {
        const { bavail, bsize } = statfsSync(dir);
        try {
          appendFileSync(join(dir, 'other'), Buffer.alloc(bavail * bsize));
        } catch (error) {
          // The file being saved may take some of the room first.
          expect(error).toMatchObject({ code: 'ENOSPC' });
        }
      };
      await train(newTrainer(), { dir }, { epochs: 1 });
      const stopped = newTrainer();
      const endless = async () => {
        const options = { epochs: 100_000, batchSize: 20, checkpoint: { dir, everySteps: 1 } };
        for await (const { epoch } of stopped.fit(samples, options)) {
          // More than once, since a file that is being saved now leaves the room of an older one.
          if (epoch >= 3) fill();
        }
      };
      await expect(endless()).rejects.toThrow(
        /^fit: checkpoint dir .*: the state after step \d+ cannot be saved: ENOSPC/,
      );
      const { found, damaged } = await findNewest(dir);
      expect(damaged).toEqual([]);
      const { step = 0 } = found ?? {};
      expect(step).toBeGreaterThanOrEqual(3);
      expect(stopped.steps).toBeGreaterThan(step);

      // The room of what could not be saved.
      fill();
      const waiting = newTrainer();
      const message = `fit: checkpoint dir ${dir}: it cannot be written to: ENOSPC`;
      await expect(train(waiting, { dir }, { epochs: 100_000 })).rejects.toThrow(message);
      expect(waiting.steps).toBe(step);

      const warned = newTrainer();
      const epochs = Math.ceil(step / 3) + 20;
      const warnings = await warningsOf(() =>
        train(warned, { dir, everySteps: 4, onError: 'warn' }, { epochs }),
      );
      expect(warnings.length).toBeGreaterThan(1);
      for (const warning of warnings) expect(warning).toMatch(/ENOSPC/);
      expect(hashOf(warned.model)).toBe(await reference(epochs));
      expect((await findNewest(dir)).found?.step).toBe(step);

      rmSync(join(dir, 'other'));
      disk.protect();
      const late = newTrainer();
      await expect(train(late, { dir }, { epochs: 100_000 })).rejects.toThrow(
        `fit: checkpoint dir ${dir}: it cannot be written to: EROFS`,
      );
      expect(late.steps).toBe(step);
    } finally {
      disk.remove();
    }
  });
});
