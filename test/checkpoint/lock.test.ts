import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants, hostname } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type CheckpointOptions, nn, optim, Trainer } from 'chainrule';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DirectoryLock } from '#lib/checkpoint/lock.js';
import { completeCheckpointOptions } from '#lib/checkpoint/options.js';
import { addon } from '#lib/runtime/addon.js';
import { useFolder } from '../helpers/folder.js';
import { failure } from '../helpers/graphs.js';
import { LONG } from '../helpers/long.js';
import { complete, start } from '../helpers/programs/kill-and-resume.mjs';
import { hashOf } from '../helpers/programs/resumable-run.mjs';
import { collect, mlp, points } from '../helpers/training.js';

const folder = useFolder();
const samples = points(60);
const IN_USE = 'ERR_CHAINRULE_IN_USE';
/** So many epochs that a run does not end by itself. */
const ENDLESS = 1_000_000;

const newTrainer = () =>
  new Trainer(mlp(), { loss: nn.crossEntropy, optimizer: optim.adam(), workers: 2, shards: 2 });

const train = (checkpoint: CheckpointOptions, epochs = 2, signal?: AbortSignal) => {
  const trainer = newTrainer();
  const options = { epochs, batchSize: 20, checkpoint, ...(signal ? { signal } : {}) };
  return collect(trainer.fit(samples, options)).then(() => trainer);
};

const savedIn = (dir: string) => readdirSync(dir).some((name) => name.startsWith('step-'));

const acquire = (options: CheckpointOptions, signal?: AbortSignal) =>
  DirectoryLock.acquire(completeCheckpointOptions(options), signal);

afterEach(() => vi.restoreAllMocks());

describe('a checkpoint directory', () => {
  it('is refused to a second trainer of the process, whatever path leads to it, until the first one is done', async () => {
    const parent = folder();
    const dir = join(parent, 'runs');
    const link = join(parent, 'link');
    const first = newTrainer().fit(samples, { epochs: 2, batchSize: 20, checkpoint: { dir } });
    await first.next();
    symlinkSync(dir, link);
    for (const path of [dir, link, relative('.', dir), join(dir, '..', 'runs')]) {
      const error = await failure(train({ dir: path }));
      expect(error).toMatchObject({ code: IN_USE, op: 'fit' });
      expect(error.message).toMatch(
        /^fit: checkpoint dir .* is in use by process \d+, the PID of this process, on host .* since \d{4}-.*Z; wait/,
      );
      expect(error.message).toContain(`process ${process.pid},`);
      expect(error.message).toContain(`host ${hostname()} `);
    }
    await first.return();
    await train({ dir: link });
    expect(readdirSync(dir).sort()).toEqual(['step-000000003.safetensors', 'step-000000006.safetensors']);
  });

  it('is refused to a trainer of another thread', async () => {
    const dir = folder();
    const lock = await acquire({ dir });
    const program = `
      import { parentPort } from 'node:worker_threads';
      import { DirectoryLock } from '#lib/checkpoint/lock.js';
      const options = { dir: ${JSON.stringify(dir)}, wait: 0, lock: true };
      parentPort.postMessage(await DirectoryLock.acquire(options).then(() => 'locked', (error) => error.code));
    `;
    const file = join(process.cwd(), 'build', `lock-in-thread-${process.pid}.mjs`);
    mkdirSync(join(process.cwd(), 'build'), { recursive: true });
    writeFileSync(file, program);
    try {
      const answers: unknown[] = [];
      for (const release of [false, true]) {
        if (release) await lock.release();
        const worker = new Worker(file);
        answers.push((await once(worker, 'message'))[0]);
        await worker.terminate();
      }
      expect(answers).toEqual([IN_USE, 'locked']);
      // That thread has ended without a word.
      await (await acquire({ dir })).release();
    } finally {
      rmSync(file);
    }
  });

  it('is used by exactly one of two processes that start at once', async () => {
    const outcomes = [];
    const attempts = LONG ? 12 : 1;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const dir = join(folder(), 'new', 'runs');
      const both = [1, 2].map((workers) => start({ dir, workers, epochs: ENDLESS, everySteps: 1 }));
      const [a, b] = both as [(typeof both)[0], (typeof both)[0]];
      const loser = await Promise.race([a.closed, b.closed]);
      const winner = a.child.exitCode === null && a.child.signalCode === null ? a : b;
      // The loser did not disturb the winner, which trains on and saves.
      for (let epoch = 1; !savedIn(dir); epoch++) await winner.trained(epoch);
      winner.child.kill('SIGKILL');
      const { signal } = await winner.closed;
      expect(signal).toBe('SIGKILL');
      outcomes.push([loser.code, loser.errors]);
      expect(loser.errors).toContain(`code: '${IN_USE}'`);
      expect(loser.errors).toContain(`is in use by process ${winner.child.pid} on host ${hostname()} since `);
      expect(loser.errors).not.toContain('ENOENT');
    }
    expect(outcomes).toHaveLength(attempts);
  }, 300_000);

  it('is free at once when the process that used it was killed', async () => {
    const dir = folder();
    const killed = start({ dir, workers: 2, epochs: ENDLESS, everySteps: 1 });
    await killed.trained(2);
    expect(await failure(acquire({ dir }))).toMatchObject({ code: IN_USE });
    killed.child.kill('SIGKILL');
    await killed.closed;
    // The file of the dead process says what it said, with a PID that may be anybody's now.
    expect(JSON.parse(readFileSync(join(dir, '.lock'), 'utf8'))).toMatchObject({ pid: killed.child.pid });
    const lock = await acquire({ dir });
    expect(JSON.parse(readFileSync(join(dir, '.lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
    expect(readdirSync(dir)).not.toContain('.lock');
  });

  it('is not held by a program that the process has started and that outlives it', async () => {
    const dir = folder();
    const lock = await acquire({ dir });
    const child = execFile(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    await lock.release();
    await (await acquire({ dir })).release();
    child.kill();
  });
});

describe('a run that waits for its directory', () => {
  it('goes on from what the other run has saved', async () => {
    const dir = folder();
    const first = newTrainer().fit(samples, { epochs: 2, batchSize: 20, checkpoint: { dir } });
    await first.next();
    const waiting = train({ dir, wait: true }, 3);
    await first.return();
    const alone = newTrainer();
    await collect(alone.fit(samples, { epochs: 3, batchSize: 20 }));
    expect(hashOf((await waiting).model)).toBe(hashOf(alone.model));
  });

  it('gives up after the time it was given, and says so', async () => {
    const dir = folder();
    const lock = await acquire({ dir });
    const error = await failure(train({ dir, wait: 30 }));
    expect(error).toMatchObject({ code: IN_USE });
    expect(error.message).toContain('and still was after 30 ms');
    await lock.release();
  });

  it('ends when the signal aborts', async () => {
    const dir = folder();
    const lock = await acquire({ dir });
    const abort = new AbortController();
    const waiting = train({ dir, wait: true }, 2, abort.signal);
    const reason = new Error('enough');
    setTimeout(() => abort.abort(reason), 5);
    await expect(waiting).rejects.toBe(reason);
    await lock.release();
  });

  it('gets it when the other process is killed', async () => {
    const dir = folder();
    const options = { epochs: 20, shards: 8 };
    const killed = start({ ...options, epochs: ENDLESS, dir, workers: 2, everySteps: 1 });
    for (let epoch = 1; !savedIn(dir); epoch++) await killed.trained(epoch);
    const waiting = complete({ ...options, dir, workers: 1, wait: true });
    await pause(1);
    killed.child.kill('SIGKILL');
    await killed.closed;
    const { from, epochs } = await waiting;
    // It may have taken more steps than these epochs have.
    expect(from).toBeGreaterThan(0);
    expect(epochs.length).toBeLessThanOrEqual(20);
  });
});

describe('the lock of a checkpoint directory', () => {
  it('is made anew before a save where somebody has removed its file, unless another run has done so', async () => {
    const dir = folder();
    const lock = await acquire({ dir });
    rmSync(join(dir, '.lock'));
    await lock.renew();
    expect(await failure(acquire({ dir }))).toMatchObject({ code: IN_USE });
    rmSync(join(dir, '.lock'));
    const other = await acquire({ dir });
    expect(await failure(lock.renew())).toMatchObject({ code: IN_USE });
    // What the other one holds stays.
    await lock.release();
    expect(await failure(acquire({ dir }))).toMatchObject({ code: IN_USE });
    await other.release();
    expect(readdirSync(dir)).toEqual([]);
  });

  it('is no link to another file, no folder and no pipe', async () => {
    const dir = folder();
    symlinkSync(join(dir, 'elsewhere'), join(dir, '.lock'));
    await expect(train({ dir })).rejects.toMatchObject({ code: 'ERR_CHAINRULE_CHECKPOINT' });
    rmSync(join(dir, '.lock'));
    await promisify(execFile)('mkfifo', [join(dir, '.lock')]);
    await expect(train({ dir })).rejects.toThrow(`${join(dir, '.lock')} must be a regular file`);
    rmSync(join(dir, '.lock'));
    mkdirSync(join(dir, '.lock'));
    await expect(train({ dir })).rejects.toThrow(/it cannot be opened: EISDIR/);
    expect(readdirSync(dir)).toEqual(['.lock']);
  });

  it('may hold any text, which is shown only if it is what runs write', async () => {
    const dir = folder();
    const lock = await acquire({ dir });
    const texts = [
      '',
      '{',
      'null',
      '{"pid":1}',
      '{"pid":1,"host":"\\u001b[2J","since":"now"}',
      'x'.repeat(1e6),
    ];
    for (const text of texts) {
      writeFileSync(join(dir, '.lock'), text);
      expect((await failure(acquire({ dir }))).message).toContain('is in use by another run; wait');
    }
    await lock.release();
  });

  it('is asked for on file systems without locks, unless the option says otherwise', async () => {
    const dir = folder();
    vi.spyOn(addon(), 'lockFile').mockReturnValue(constants.errno.ENOLCK);
    const error = await failure(train({ dir }));
    expect(error).toMatchObject({ code: 'ERR_CHAINRULE_CHECKPOINT', received: 'ENOLCK' });
    expect(error.message).toMatch(/must have locks, .*checkpoint.lock: false, got ENOLCK$/);
    await train({ dir, lock: false });
    expect(readdirSync(dir)).toEqual(['step-000000006.safetensors']);
  });
});
