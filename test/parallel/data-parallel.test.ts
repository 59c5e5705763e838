import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import {
  assign,
  ChainruleError,
  compile,
  type DataParallelOptions,
  dataParallel,
  grad,
  nn,
  optim,
  type Tensor,
  tensor,
} from 'chainrule';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WorkerPool } from '#lib/parallel/prepare/pool.js';
import type { StepCall } from '#lib/parallel/protocol/job.js';
import { ShareProgress } from '#lib/parallel/protocol/share-progress.js';
import { failure, valuesOf, variable } from '../helpers/graphs.js';
import { mlp, noise, parametersOf, threads } from '../helpers/training.js';

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const step of opened.splice(0)) await step.close();
  expect(threads()).toBe(0);
});

/** As `dataParallel`, of a function that is closed after the test. */
const shared: typeof dataParallel = (fn, options) => {
  const step = dataParallel(fn, options);
  opened.push(step);
  return step;
};

const matrix = (rows: number, columns: number, seed = 1) =>
  tensor(noise(rows * columns, seed), { shape: [rows, columns] });

describe('the results of a data-parallel function', () => {
  it.each([
    [1, 1],
    [2, 2],
    [2, 3],
    [3, 8],
  ])(
    'with %i workers and %i shards are means of scalars, and rows joined in order',
    async (workers, shards) => {
      const weights = variable([3, 4]);
      const fn = (x: Tensor, labels: Tensor) => {
        const y = x.matmul(weights);
        return { mean: y.mean(), all: [y, labels.add(1)], twice: { again: y, largest: y.argMax(1) } };
      };
      const step = shared(fn, { workers, shards });
      const whole = compile(fn);
      for (const rows of [7, 5, 7]) {
        const x = matrix(rows, 3, rows);
        const labels = tensor(Int32Array.from({ length: rows }, (_, i) => i));
        const [found, expected] = await Promise.all([step(x, labels), whole(x, labels)]);
        expect(await found.mean.item()).toBeCloseTo(await expected.mean.item(), 5);
        const pairs = [
          [found.all[0], expected.all[0]],
          [found.all[1], expected.all[1]],
          [found.twice.again, expected.twice.again],
          [found.twice.largest, expected.twice.largest],
        ] as [Tensor, Tensor][];
        for (const [one, other] of pairs) {
          expect([one.dtype, one.shape]).toEqual([other.dtype, other.shape]);
          expect(await one.toArray()).toEqual(await other.toArray());
        }
      }
    },
  );

  it('have the precision of their dtype', async () => {
    const step = shared((x: Tensor) => x.mean(), { workers: 1, shards: 3 });
    const values = Float64Array.of(1 / 3, 1e-12, 2 / 7, 5 / 11, 1);
    const mean = values.reduce((sum, value) => sum + value) / values.length;
    expect(await (await step(values)).item()).toBeCloseTo(mean, 14);
  });

  it('come from the arguments as they were at the call, one call after the other', async () => {
    const count = new nn.Buffer([]);
    const step = shared((x: Tensor) => {
      assign(count, count.add(1));
      return x.mul(count);
    });
    const values = Float32Array.of(1, 2, 3);
    const calls = [step(values), step(values.fill(5))];
    values.fill(0);
    const results = await Promise.all(calls);
    expect(await Promise.all(results.map((x) => x.toArray()))).toEqual([
      [0, 0, 0],
      [5, 5, 5],
    ]);
    expect(valuesOf(count)[0]).toBeCloseTo(2, 5);
  });

  it('follow the mode of the model, and parameters that are moved or changed', async () => {
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Dropout(0.5)).init(1);
    const predict = shared((x: Tensor) => model.forward(x), { workers: 2, shards: 2 });
    const x = matrix(6, 3);
    const zeros = async () => (await (await predict(x)).data()).filter((value) => value === 0).length;
    const dropped = await zeros();
    expect(dropped).toBeGreaterThan(0);
    model.eval();
    expect(await zeros()).toBe(0);
    for (const { storage } of model.parameters()) storage.moveTo(sharedLike(storage.data));
    for (const { storage } of model.parameters()) storage.data.fill(0);
    expect(await zeros()).toBe(24);
    model.train();
    expect(await zeros()).toBe(24);
  });

  it('draw other random numbers at each call, the same for any number of workers', async () => {
    const draws = [];
    for (const workers of [1, 3]) {
      const drop = new nn.Dropout(0.5);
      const step = shared((x: Tensor) => drop.forward(x), { workers, shards: 4, seed: 5 });
      const x = tensor(new Float32Array(64).fill(1));
      draws.push([await (await step(x)).toArray(), await (await step(x)).toArray()]);
    }
    expect(draws[0]).toEqual(draws[1]);
    expect(draws[0]?.[0]).not.toEqual(draws[0]?.[1]);
  });
});

/** New shared memory for as many numbers. */
function sharedLike({ length }: ArrayLike<number>): Float32Array {
  return new Float32Array(new SharedArrayBuffer(4 * length));
}

describe('a data-parallel function', () => {
  const fails = async (
    fn: (...args: Tensor[]) => never | Tensor | undefined,
    args: readonly Tensor[],
    message: string,
  ) => {
    const error = await failure(shared(fn, { workers: 1, shards: 2 })(...args));
    expect(error).toBeInstanceOf(ChainruleError);
    expect(error.message).toBe(message);
  };
  const x = matrix(4, 3);

  it('refuses arguments whose rows cannot be shared out', async () => {
    const same = (...args: Tensor[]) => args[0];
    const numbers = tensor([1, 2, 3]);
    await fails(
      same,
      [x, numbers],
      'dataParallel: argument 1 must have as many rows as the first, 4, got float32[3]',
    );
    const none = 'dataParallel: argument 0 must have rows (a leading axis), which are shared out, got';
    await fails(same, [tensor(1)], `${none} float32[]`);
    await fails(same, [tensor(new Float32Array(0))], `${none} float32[0]`);
    await fails(same, [], 'dataParallel: the function needs an argument, whose rows are shared out');
  });

  it('refuses results that are neither scalars nor rows', async () => {
    await fails(
      (a) => a?.sum(0),
      [x],
      'dataParallel: a result must be a scalar, or have the 4 rows of the arguments as its first axis, got [3]',
    );
    await fails(
      (a) => a?.argMax(1).sum(),
      [x],
      'dataParallel: a scalar result must be a float, of which the mean can be taken, got int32',
    );
    await fails(
      (a) => (a?.shape[0] === 2 ? a : a?.sum()),
      [matrix(3, 3)],
      'dataParallel: the function must do the same for shards of 2 and of 1 rows',
    );
  });

  it('refuses what an update cannot be made of', async () => {
    const [w, other] = [variable([3]), variable([3])];
    const optimizer = optim.sgd({ lr: 0.1 });
    const slopes = (a: Tensor | undefined, of: Tensor) => grad((a as Tensor).mul(of).mean(), [of]);
    await fails(
      (a) => {
        optimizer.step([w], slopes(a, w));
        optimizer.step([other], slopes(a, other));
        return undefined;
      },
      [x],
      'dataParallel: the function may make one optimiser step, got 2',
    );
    const error = await failure(
      shared((a: Tensor) => {
        optimizer.step([w], slopes(a, w));
        assign(w, w.add(1));
        return undefined;
      })(x),
    );
    expect(error.message).toMatch(
      /^dataParallel: the function must not assign a parameter that it also updates/,
    );
    await fails(
      () =>
        void assign(variable([3], [1, 2, 3], 'int32'), tensor([1, 2, 3], { dtype: 'int32' })) as undefined,
      [x],
      'dataParallel: all parameters that are updated and variables that are assigned must be float32, or all ' +
        'float64, got int32',
    );
  });

  it.each([
    [{ workers: 0 }, "dataParallel: workers must be an integer from 1 to 256 or 'auto', got 0"],
    [{ shards: 1025 }, 'dataParallel: shards must be an integer from 1 to 1024, got 1025'],
    [{ seed: -1 }, 'dataParallel: seed must be a non-negative integer, got -1'],
    [{ nice: 20 }, 'dataParallel: nice must be an integer from 0 to 19, got 20'],
    [3, 'dataParallel: options must be a plain object such as { workers: 3 }, got 3'],
    [{ num_workers: 2 }, 'dataParallel: unknown option num_workers; did you mean workers?'],
    [{ shard: 2 }, 'dataParallel: unknown option shard; did you mean shards?'],
  ])('refuses the options %j', (options, message) => {
    expect(() => dataParallel((a: Tensor) => a, options as DataParallelOptions)).toThrow(message);
  });
});

describe('the threads of a data-parallel function', () => {
  it('are kept between calls, and end with close', async () => {
    const step = shared((x: Tensor) => x.add(1), { workers: 2, shards: 2 });
    expect(threads()).toBe(0);
    for (let i = 0; i < 2; i++) {
      for (let call = 0; call < 2; call++) {
        expect(await (await step([1, 2, 3])).toArray()).toEqual([2, 3, 4]);
        expect(threads()).toBe(2);
      }
      const last = step([1]);
      await step.close();
      expect(await (await last).toArray()).toEqual([2]);
      expect(threads()).toBe(0);
    }
    await step[Symbol.asyncDispose]();
  });

  it('do not keep the process alive', async () => {
    const program = `
      import { dataParallel } from 'chainrule';
      const step = dataParallel((x) => x.add(1), { workers: 2, shards: 2 });
      console.log(await (await step([1, 2])).toArray());`;
    const options = { timeout: 60_000 };
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], options);
    expect((await run).stdout).toBe('[ 2, 3 ]\n');
  });

  it('are started anew when one failed, and nothing was assigned', async () => {
    const table = new nn.Embedding(4, 2).init(1);
    const optimizer = optim.sgd({ lr: 0.1 });
    const step = shared(
      (rows: Tensor) => {
        const loss = table.forward(rows).square().mean();
        const parameters = table.parameters();
        optimizer.step(parameters, grad(loss, parameters));
        return loss;
      },
      { workers: 2, shards: 4 },
    );
    const rows = (...values: number[]) => Int32Array.from(values);
    await step(rows(0, 1, 2, 3));
    const before = parametersOf(table);
    const error = await failure(step(rows(0, 1, 2, 4)));
    expect(error).toBeInstanceOf(ChainruleError);
    expect(error.message).toBe('gather: index 4 at position 0 is outside 0..3');
    expect(error.stack).toContain('data-parallel.test.ts');
    expect(parametersOf(table)).toEqual(before);
    expect(optimizer.steps).toBe(1);
    const loss = await step(rows(3, 2, 1, 0));
    expect(await loss.item()).toBeGreaterThan(0);
    expect(parametersOf(table)).not.toEqual(before);
    expect(optimizer.steps).toBe(2);
  });

  it('are started anew when one was terminated between two calls', async () => {
    const started: Worker[] = [];
    const note = (worker: Worker) => started.push(worker);
    process.on('worker', note);
    const step = shared((x: Tensor) => x.add(1), { workers: 2, shards: 2 });
    await step([1, 2]);
    process.off('worker', note);
    await started[0]?.terminate();
    expect((await failure(step([1, 2]))).message).toBe(
      'parallel: a worker thread was ended between two calls',
    );
    expect(await (await step([1, 2])).toArray()).toEqual([2, 3]);
  });

  /** A step on one worker, which is lost in its second call when that is so far. */
  async function parametersAfter(lost?: 'gathered' | 'updated'): Promise<number[]> {
    const model = mlp().init(1);
    const optimizer = optim.adam({ lr: 0.1 });
    const step = shared(
      (x: Tensor) => {
        const loss = model.forward(x).square().mean();
        const parameters = model.parameters();
        optimizer.step(parameters, grad(loss, parameters));
        return loss;
      },
      { workers: 1, shards: 1 },
    );
    await step(matrix(4, 6));
    if (lost) {
      const original = WorkerPool.prototype.run;
      vi.spyOn(WorkerPool.prototype, 'run').mockImplementationOnce(async function (this: WorkerPool, taskOf) {
        const { marks } = (taskOf(0) as unknown as StepCall).definition ?? {};
        if (!marks) throw new Error('a new shape must come with its definition');
        const progress = new ShareProgress(marks);
        // The worker takes the update for done.
        if (lost === 'gathered') progress.set(0, 0, 'updated');
        await original.call(this, taskOf);
        if (lost === 'gathered') progress.set(0, 0, 'gathered');
        throw new Error('the worker is gone');
      });
    }
    const loss = await step(matrix(5, 6));
    expect(await loss.item()).toBeGreaterThan(0);
    expect(optimizer.steps).toBe(2);
    return parametersOf(model);
  }

  it('leave their memory behind when one does not end', async () => {
    const model = mlp().init(1);
    const optimizer = optim.sgd({ lr: 0.1 });
    const step = shared((x: Tensor) => {
      const loss = model.forward(x).square().mean();
      optimizer.step(model.parameters(), grad(loss, model.parameters()));
      return loss;
    });
    await step(matrix(4, 6));
    const before = model.parameters().map(({ storage }) => storage.data);
    const values = parametersOf(model);
    const stop = WorkerPool.prototype.stop;
    vi.spyOn(WorkerPool.prototype, 'run').mockRejectedValueOnce(new Error('stuck'));
    vi.spyOn(WorkerPool.prototype, 'stop').mockImplementationOnce(async function (this: WorkerPool) {
      await stop.call(this);
      return false;
    });
    expect((await failure(step(matrix(4, 6)))).message).toBe('stuck');
    expect(parametersOf(model)).toEqual(values);
    await step(matrix(4, 6));
    expect(parametersOf(model)).not.toEqual(values);
    model.parameters().forEach(({ storage }, i) => {
      expect(storage.data.buffer).not.toBe(before[i]?.buffer);
    });
  });

  it('finish an update that was begun when one was lost', async () => {
    const expected = await parametersAfter();
    expect(await parametersAfter('gathered')).toEqual(expected);
    expect(await parametersAfter('updated')).toEqual(expected);
  });
});
