import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { nn, optim, Trainer } from 'chainrule';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { usableCores } from '#lib/parallel/prepare/cores.js';
import { WorkerPool } from '#lib/parallel/prepare/pool.js';
import { Control } from '#lib/parallel/protocol/control.js';
import { addon } from '#lib/runtime/addon.js';
import { collect, mlp, noise, points } from '../helpers/training.js';

afterEach(() => vi.restoreAllMocks());

const helper = (name: string) => new URL(`../helpers/programs/${name}`, import.meta.url);

/** Runs a program, and gives what it printed. */
function execute(program: string, args: readonly string[], variables: Record<string, string> = {}) {
  const env = { ...process.env, ...variables };
  const { status, stdout, stderr, error } = spawnSync(program, args, { env, encoding: 'utf8' });
  return { status: error ? -1 : status, stdout: stdout?.trim(), stderr };
}

const printWorkers = [process.execPath, fileURLToPath(helper('print-workers.mjs'))];
const told = { NODE_DEBUG: 'chainrule' };

const noTaskset = execute('taskset', ['-c', '0', 'true']).status === 0 ? '' : ', skipped: no taskset here';

it.skipIf(noTaskset)(`a process that is tied to one core trains on one${noTaskset}`, () => {
  const { stdout, stderr } = execute('taskset', ['-c', '0', ...printWorkers], told);
  expect(stdout).toBe('1');
  expect(stderr).toMatch(/CHAINRULE \d+: fit: 1 worker, 1 shard, because the process may run on 1 core\n/);
});

/** A cgroup of this machine that grants the time of one core, or why there is none. */
function oneCoreGroup(): { path: string } | { reason: string } {
  const name = `chainrule-test-${process.pid}`;
  const two = existsSync('/sys/fs/cgroup/cgroup.controllers');
  const path = two ? `/sys/fs/cgroup/${name}` : `/sys/fs/cgroup/cpu/${name}`;
  try {
    mkdirSync(path);
    if (two) {
      writeFileSync(`${path}/cpu.max`, '100000 100000');
    } else {
      writeFileSync(`${path}/cpu.cfs_period_us`, '100000');
      writeFileSync(`${path}/cpu.cfs_quota_us`, '100000');
    }
    return { path };
  } catch (error) {
    if (existsSync(path)) rmdirSync(path);
    return { reason: `, skipped: no cgroup can be made (${(error as Error).message})` };
  }
}

const group = usableCores().cores > 1 ? oneCoreGroup() : { reason: ', skipped: only one core' };
const noGroup = 'reason' in group ? group.reason : '';

it.skipIf(noGroup)(`a cgroup that grants the time of one core leaves one worker${noGroup}`, () => {
  if (!('path' in group)) throw new Error('no cgroup');
  try {
    const enter = `echo $$ > ${group.path}/cgroup.procs && exec "$@"`;
    const { stdout, stderr } = execute('sh', ['-c', enter, 'sh', ...printWorkers], told);
    expect(stdout).toBe('1');
    expect(stderr).toMatch(
      /fit: 1 worker, 1 shard, because cgroup \S*chainrule-test-\d+ grants the time of 1 core\n/,
    );
  } finally {
    rmdirSync(group.path);
  }
});

const noThreads = !existsSync('/proc/self/task')
  ? ', skipped: threads cannot be listed'
  : /openblas/i.test(addon().blas())
    ? ''
    : `, skipped: the BLAS is ${addon().blas()}`;

it.skipIf(noThreads)(`the threads of the BLAS stay idle while workers train${noThreads}`, () => {
  const file = fileURLToPath(helper('blas-threads.mjs'));
  const { stdout } = execute(process.execPath, [file], { OPENBLAS_NUM_THREADS: '4' });
  const { threads, ticks, all } = JSON.parse(stdout) as { threads: number; ticks: number; all: number };
  console.info(`${threads} threads of the BLAS were at work for ${ticks} of ${all} ticks`);
  // It has them, but leaves them alone.
  expect(threads).toBeGreaterThan(0);
  expect(ticks).toBeLessThan(all / 20);
});

const oneCore = usableCores().cores > 1 ? '' : ', skipped: only one core';

describe(`trainings of one process share its cores${oneCore}`, () => {
  const { cores } = usableCores();
  const samples = points(4096, { features: 64 });
  const options = { batchSize: 256, epochs: 1e6 };
  const wait = { timeout: 200_000 };

  /** Begins to train on as many workers as there are cores; `active` are those that work on a step. */
  async function begin() {
    const start = WorkerPool.start;
    const controller = new AbortController();
    const trainer = new Trainer(mlp(64, 3, 256), {
      loss: nn.crossEntropy,
      optimizer: optim.sgd({ lr: 0.01 }),
      shards: 2 * cores,
    });
    let control = new Control();
    vi.spyOn(WorkerPool, 'start').mockImplementationOnce((job) => {
      control = new Control(job.control);
      return start.call(WorkerPool, job);
    });
    const ended = collect(trainer.fit(samples, { ...options, signal: controller.signal })).catch(() => {});
    for await (const { step } of trainer.progress()) if (step > 0) break;
    const end = async () => {
      controller.abort();
      await ended;
    };
    onTestFinished(end);
    return { end, active: () => [0, 1].map((step) => control.activeAt(step)) };
  }

  const share = Math.max(1, Math.floor(cores / 2));

  it.skipIf(oneCore)('half for each of two, and all for the one that is left', async () => {
    const first = await begin();
    expect(first.active()).toEqual([cores, cores]);
    const second = await begin();
    await vi.waitFor(() => {
      expect([...first.active(), ...second.active()]).toEqual(Array(4).fill(share));
    }, wait);
    await second.end();
    await vi.waitFor(() => expect(first.active()).toEqual([cores, cores]), wait);
    await first.end();
  });

  it.skipIf(oneCore)('with one in a worker thread, too, until that is terminated', async () => {
    const first = await begin();
    const inputs = noise(20 * 6, 3);
    const labels = Int32Array.from({ length: 20 }, (_, i) => i % 3);
    const workerData = { inputs, labels, workers: 1, endless: true };
    const worker = new Worker(helper('fit-in-thread.mjs'), { workerData });
    onTestFinished(async () => void (await worker.terminate()));
    await vi.waitFor(() => expect(first.active()).toEqual([share, share]), wait);
    await worker.terminate();
    await vi.waitFor(() => expect(first.active()).toEqual([cores, cores]), wait);
    await first.end();
  });

  it('says what was chosen for workers that were asked for, and for small models', async () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    const settings = { loss: nn.crossEntropy, optimizer: optim.adam(), log };
    await collect(new Trainer(mlp(), { ...settings, workers: 3, shards: 3 }).fit(points(20)));
    await collect(new Trainer(mlp(), settings).fit(points(20)));
    expect(lines[0]).toBe('fit: 3 workers, 3 shards, as asked for');
    if (!oneCore)
      expect(lines[1]).toBe(
        `fit: 1 worker, 1 shard, by the rows and the work of a batch; ${usableCores().reason}`,
      );
  });

  it('says what more shards would do', async () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    const settings = { loss: nn.crossEntropy, optimizer: optim.adam(), log };
    await collect(new Trainer(mlp(), { ...settings, workers: 3, shards: 2 }).fit(points(20)));
    expect(lines[0]).toBe(
      'fit: 3 workers, 2 shards, as asked for; 1 worker without a shard: with shards: 3, all would work',
    );
    await collect(new Trainer(mlp(), { ...settings, shards: 1 }).fit(points(20)));
    const { reason } = usableCores();
    if (!oneCore)
      expect(lines[1]).toBe(
        `fit: 1 worker, 1 shard, because there is 1 shard; ${reason}; with shards: ${cores}, all would work`,
      );
  });
});
