import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pathOf } from '#lib/checkpoint/directory.js';
import type { TensorSource } from '#lib/checkpoint/file.js';
import { CheckpointThread } from '#lib/checkpoint/thread.js';
import { smallDisk } from '../helpers/small-disk.js';
import { threads } from '../helpers/training.js';

let dir: string;
let thread: CheckpointThread;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'checkpoint-'));
  thread = new CheckpointThread();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await thread.end();
  rmSync(dir, { recursive: true, force: true });
});

const numbers = (values: number[]): TensorSource => {
  const buffer = new SharedArrayBuffer(4 * values.length);
  new Float32Array(buffer).set(values);
  return { name: 'numbers', dtype: 'float32', shape: [values.length], buffer, byteOffset: 0 };
};

const save = (step: number, sources: TensorSource[], into = dir, by = thread) =>
  by.save({ dir: into, step, sources, state: `step ${step}`, keep: 2 });

describe('the thread of the checkpoints', () => {
  it('saves, keeps the newest files, finds the newest one that is whole, and reads it into memory', async () => {
    expect(await thread.open(dir)).toEqual({ found: null, damaged: [] });
    for (const step of [1, 2, 3]) expect(await save(step, [numbers([step, -step])])).toBe(pathOf(dir, step));
    expect(readdirSync(dir).sort()).toEqual(['step-000000002.safetensors', 'step-000000003.safetensors']);
    writeFileSync(pathOf(dir, 3), 'no longer');
    const { found, damaged } = await thread.open(dir);
    expect(damaged.map(({ path }) => path)).toEqual([pathOf(dir, 3)]);
    expect([found?.step, found?.state]).toEqual([2, 'step 2']);
    if (!found) return;
    const target = numbers([0, 0]);
    await thread.load({ path: found.path, header: found, sources: [target] });
    expect([...new Float32Array(target.buffer)]).toEqual([2, -2]);
  });

  it('makes the directory, and its parents', async () => {
    const deep = join(dir, 'a', 'b');
    await thread.open(deep);
    await thread.probe(deep);
    expect(readdirSync(deep)).toEqual([]);
  });

  it('names what makes a directory impossible', async () => {
    const file = join(dir, 'file');
    writeFileSync(file, '');
    await expect(thread.open(file)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(thread.open(join(file, 'in'))).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(thread.probe(join(dir, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('ends when it has done what it was asked', async () => {
    await thread.open(dir);
    const before = threads();
    const saved = save(1, [numbers([1])]);
    await thread.end();
    expect(await saved).toBe(pathOf(dir, 1));
    expect(threads()).toBe(before - 1);
    await expect(save(2, [numbers([1])])).rejects.toThrow('was ended');
  });

  it('is started anew when it dies, and does again what it had not done', async () => {
    const warnings: string[] = [];
    vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(String(warning)));
    // So that its own start is not counted.
    await thread.open(dir);
    const started: Worker[] = [];
    const listen = (worker: Worker) => started.push(worker);
    process.on('worker', listen);
    const own = new CheckpointThread();
    await own.open(dir);
    const large = numbers(Array(2 ** 20).fill(1));
    for (const step of [1, 2]) {
      const saved = save(step, [large], dir, own);
      await started.at(-1)?.terminate();
      expect(await saved).toBe(pathOf(dir, step));
    }
    // Without work nothing is started before there is some.
    await started.at(-1)?.terminate();
    expect(started).toHaveLength(3);
    expect(await save(3, [large], dir, own)).toBe(pathOf(dir, 3));
    expect(warnings).toEqual(Array(2).fill(expect.stringContaining('was ended and is started anew')));
    const { found, damaged } = await own.open(dir);
    expect([found?.step, damaged]).toEqual([3, []]);
    // What the dead ones had begun is gone.
    expect(readdirSync(dir)).toHaveLength(2);
    await own.end();
    process.off('worker', listen);
  });

  it('that dies again and again gives its work up, and can be asked again', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const own = new CheckpointThread();
    let deaths = 0;
    const kill = (worker: Worker) => {
      deaths++;
      void worker.terminate();
    };
    await own.open(dir);
    process.on('worker', kill);
    // As a module that ends its thread.
    const first = new CheckpointThread();
    const failing = save(1, [numbers([1])], dir, first);
    await expect(failing).rejects.toMatchObject({ code: 'ERR_CHAINRULE_WORKER_ENDED' });
    expect(deaths).toBe(3);
    process.off('worker', kill);
    expect(await save(2, [numbers([1])], dir, first)).toBe(pathOf(dir, 2));
    await Promise.all([first.end(), own.end()]);
  });

  it('leaves the files before intact when the disk is full or read-only', async (context) => {
    const disk = smallDisk(64 * 1024);
    if (typeof disk === 'string') return context.skip(disk);
    try {
      await save(1, [numbers([1, 2])], disk.dir);
      const large = numbers(Array(32 * 1024).fill(1));
      await expect(save(2, [large], disk.dir)).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(readdirSync(disk.dir)).toEqual(['step-000000001.safetensors']);
      disk.protect();
      await expect(save(2, [numbers([1])], disk.dir)).rejects.toMatchObject({ code: 'EROFS' });
      await expect(thread.probe(disk.dir)).rejects.toMatchObject({ code: 'EROFS' });
      expect((await thread.open(disk.dir)).found?.step).toBe(1);
    } finally {
      disk.remove();
    }
  });
});
