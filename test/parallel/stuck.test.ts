import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nn, optim, scan, Trainer, tensor } from 'chainrule';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WorkerPool } from '#lib/parallel/prepare/pool.js';
import { Control } from '#lib/parallel/protocol/control.js';
import { failure } from '../helpers/graphs.js';
import { sampled } from '../helpers/long.js';
import { endlessOf } from '../helpers/programs/endless.mjs';
import { hashOf } from '../helpers/runs.js';
import { collect, points, threads } from '../helpers/training.js';

afterEach(() => vi.restoreAllMocks());

const { Endless } = endlessOf({ nn, scan });
const BATCH = 10;
const options = { batchSize: BATCH, shuffle: false };

const trainerOf = (workers: number) =>
  new Trainer(new Endless(), {
    loss: nn.crossEntropy,
    optimizer: optim.adamW({ lr: 0.01, clipNorm: 0.5 }),
    shards: 2,
    seed: 2,
    workers,
  });

/** Trains until the third step, cut into shards of 3 rows, is stuck. Only its time counts, on a machine of any speed. */
function trainUntilStuck(trainer: Trainer) {
  vi.spyOn(Control.prototype, 'paused', 'get').mockImplementation(function (this: Control) {
    return this.stepsDone < 2;
  });
  return failure(collect(trainer.fit(points(26), { ...options, stepTimeout: 200 })));
}

describe.each([1, 2])('a step that would take centuries, on %i workers,', (workers) => {
  it('ends after stepTimeout, the error tells the truth, and every later call agrees', async () => {
    const trainer = trainerOf(workers);
    const error = await trainUntilStuck(trainer);
    vi.restoreAllMocks();
    expect(error).toMatchObject({ code: 'ERR_CHAINRULE_WORKER_STUCK' });
    expect(error.message).toMatch(
      /stepTimeout \(200 ms\): worker .* did not finish, at epoch 1, step 2\. The parameters are those of the last whole step$/,
    );
    expect(threads()).toBe(0);
    expect(trainer.steps).toBe(2);

    const other = trainerOf(workers);
    await collect(other.fit(points(26).take(20), options));
    expect(hashOf(trainer.model)).toBe(hashOf(other.model));

    const folder = mkdtempSync(join(tmpdir(), 'chainrule-stuck-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    await trainer.model.save(join(folder, 'model.safetensors'));
    const input = new Float32Array(12).fill(0.5);
    const outputs = [trainer, other].map((one) => one.predict(tensor(input, { shape: [2, 6] })));
    const [ours, theirs] = await Promise.all(outputs.map(async (output) => (await output).data()));
    expect(ours).toEqual(theirs);
    expect(await trainer.evaluate(points(20), { batchSize: 20 })).toEqual(
      await other.evaluate(points(20), { batchSize: 20 }),
    );
    for (const one of [trainer, other]) await collect(one.fit(points(40), { ...options, epochs: 2 }));
    expect(hashOf(trainer.model)).toBe(hashOf(other.model));
    expect(threads()).toBe(0);
  });
});

it('an evaluation that would take centuries ends with its signal', async () => {
  const trainer = trainerOf(2);
  const controller = new AbortController();
  const evaluation = failure(trainer.evaluate(points(26), { batchSize: 3, signal: controller.signal }));
  await vi.waitFor(() => expect(threads()).toBe(2), { timeout: 60_000 });
  setTimeout(() => controller.abort(new Error('enough')), 100);
  expect((await evaluation).message).toBe('enough');
  expect(threads()).toBe(0);
  expect(await trainer.evaluate(points(20))).toHaveProperty('loss');
});

describe('a thread that does not end', () => {
  const damage = 'not to be used: a thread has not ended and may still change the parameters';

  it('is told of by the error, and in the same words by every later call', async () => {
    const trainer = trainerOf(1);
    vi.spyOn(WorkerPool.prototype, 'lost', 'get').mockReturnValue(true);
    const error = await trainUntilStuck(trainer);
    expect(error.message).toContain(`step 2. The parameters are ${damage}`);
    vi.restoreAllMocks();
    const later = [
      () => collect(trainer.fit(points(20), options)),
      () => trainer.evaluate(points(20)),
      () => trainer.predict(tensor([1, 2, 3, 4, 5, 6])),
      () => trainer.inspect(points(20)),
      () => trainer.model.save('never-written.safetensors'),
      () => (trainer.model.parameters()[0] as nn.Parameter).data(),
    ];
    for (const call of later) {
      const refused = await failure(call());
      expect(refused).toMatchObject({ code: 'ERR_CHAINRULE_WORKER_STUCK' });
      expect(refused.message).toContain(damage);
    }
  });
});

describe('a run that would take centuries does not hold up', () => {
  /** The exit code of a program that leaves while something is under way. */
  async function codeOf(...args: string[]): Promise<unknown> {
    const file = fileURLToPath(new URL('../helpers/programs/endless-runs.mjs', import.meta.url));
    const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'inherit', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [code] = await once(child, 'exit');
    return code;
  }

  const ends = [
    ['the exit of the process, on a thread of the pool', 'predict', 'here', 'exit', 7],
    ['an uncaught error, on a thread of the pool', 'predict', 'here', 'throw', 1],
    ['an uncaught error, in a training', 'train', 'here', 'throw', 1],
    ['the exit of the process, in a training', 'train', 'here', 'exit', 7],
    ['the end of the thread, on the pool for it', 'predict', 'thread', 'terminate', 7],
    ['the exit of the process, on the pool for another thread', 'predict', 'thread', 'exit', 7],
    ['the exit of the process, in a training of another thread', 'train', 'thread', 'exit', 7],
    ['the end of the thread, in a training of it', 'train', 'thread', 'terminate', 7],
  ] as const;
  it.each(sampled(ends, 2))('%s', async (_, what, where, how, code) => {
    expect(await codeOf(what, where, how)).toBe(code);
  });
});
