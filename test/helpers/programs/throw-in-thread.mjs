// Worker: throws what `workerData` names, and posts the outcome together with a description of what was thrown.
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parentPort } from 'node:worker_threads';
import { ChainruleError, compile, data, nn, optim, tensor, zeros } from 'chainrule';
import { DirectoryLock } from '#lib/checkpoint/lock.js';
import { completeCheckpointOptions } from '#lib/checkpoint/options.js';
import { CheckpointStore } from '#lib/checkpoint/store.js';
import { CheckpointThread } from '#lib/checkpoint/thread.js';
import { allocate } from '#lib/graph/dtype.js';
import { failed } from '#lib/graph/errors.js';
import { outcomeOf, stepError } from '#lib/graph/outcome.js';
import { Control } from '#lib/parallel/protocol/control.js';
import { Watchdog } from '#lib/train/fit/watchdog.js';
import { newJob } from '#lib/train/prepare/jobs.js';

/** @type {{ [code: string]: () => unknown }} */
const failures = {
  ERR_CHAINRULE_INVALID: () => new nn.Linear(-1, 2),
  ERR_CHAINRULE_DATA: () =>
    zeros([2, 3])
      .gather(tensor(Int32Array.of(0, 2)))
      .toArray(),
  ERR_CHAINRULE_BAD_ITEM: async () => {
    const module = new URL('fail-sample.mjs', import.meta.url);
    const left = new Int32Array(new SharedArrayBuffer(4)).fill(1);
    const samples = data.fromArrays([[1], [2]], [0, 1]);
    const failing = samples.transform([data.custom(module, { options: { at: [1], kind: 'throw', left } })]);
    for await (const _ of data.batches(failing, { batchSize: 2 }));
  },
  ERR_CHAINRULE_NON_FINITE: () => {
    const model = new nn.Linear(1, 1).init(1);
    return optim.lbfgs().step(model.parameters(), () =>
      model
        .forward(zeros([1, 1]))
        .sum()
        .div(0),
    );
  },
  ERR_CHAINRULE_BUDGET: () =>
    compile((/** @type {import('chainrule').Tensor} */ x) => x.exp(), { memory: 1 })(zeros([9])),
  ERR_CHAINRULE_MEMORY: () => allocate('float64', 2 ** 45),
  ERR_CHAINRULE_STEP_FAILED: () => {
    throw stepError('fit', new TypeError('x is not a function'));
  },
  ERR_CHAINRULE_WORKER_ENDED: async () => {
    const thread = new CheckpointThread();
    await thread.end();
    await thread.probe('anywhere');
  },
  ERR_CHAINRULE_WORKER_STUCK: () => {
    throw new Watchdog(newJob({ workers: 2, seed: 0 }), -1).look();
  },
  ERR_CHAINRULE_WORKER_RELEASED: () => {
    const control = new Control();
    control.abort();
    control.meet(1, 0);
  },
  ERR_CHAINRULE_CHECKPOINT: () =>
    CheckpointStore.open(completeCheckpointOptions({ dir: fileURLToPath(import.meta.url) })),
  ERR_CHAINRULE_IN_USE: async () => {
    const dir = mkdtempSync(join(tmpdir(), 'in-use-'));
    const options = completeCheckpointOptions({ dir });
    const lock = await DirectoryLock.acquire(options);
    try {
      await CheckpointStore.open(options);
    } finally {
      await lock.release();
      rmdirSync(dir);
    }
  },
  ERR_CHAINRULE_SIGTERM: () => {
    throw failed('ERR_CHAINRULE_SIGTERM', 'fit', 'stopped by SIGTERM');
  },
  ERR_CHAINRULE_ADDON: async () => {
    process.env.CHAINRULE_ADDON = '/missing.node';
    // Another address, so that the module is loaded anew.
    const { addon } = await import(new URL('../../../dist/lib/runtime/addon.js?again', import.meta.url).href);
    addon();
  },
};

class StorageError extends RangeError {
  /** @type {string} */
  code = 'E_STORAGE';
  details = { tries: 3 };
  retry = () => true;
}

/** @param {number} length */
function chainOf(length) {
  let error = new Error('cause 0');
  for (let i = 1; i < length; i++) error = new Error(`cause ${i}`, { cause: error });
  return error;
}

/** @type {{ [name: string]: () => unknown }} */
const others = {
  subclass: () => {
    throw Object.assign(new StorageError('no such bucket', { cause: new Error('connection reset') }), {
      name: 'StorageError',
    });
  },
  system: async () => (await import('node:fs/promises')).open('/no/such/file'),
  abort: () => AbortSignal.abort().throwIfAborted(),
  cycle: () => {
    const error = new Error('first');
    error.cause = new Error('second', { cause: error });
    throw error;
  },
  chain: () => {
    throw chainOf(20_000);
  },
  joined: () => {
    const refused = Object.assign(new TypeError('refused', { cause: new RangeError('port 0') }), { port: 0 });
    throw new AggregateError([refused, 'a text', AbortSignal.abort().reason], 'all failed', {
      cause: refused,
    });
  },
  many: () => {
    throw new AggregateError(Array.from({ length: 500 }, (_, i) => new Error(`server ${i}`)));
  },
  message: () => {
    throw Object.assign(new RangeError(), { message: { status: 500, retry: () => true }, code: 'E_ANSWER' });
  },
  getters: () => {
    const error = new TypeError();
    // The stack first, since that takes the name.
    for (const field of ['stack', 'message', 'name', 'cause', 'code', 'errors']) {
      Object.defineProperty(error, field, {
        enumerable: true,
        get: () => {
          throw new Error(`no ${field}`);
        },
      });
    }
    throw error;
  },
  frames: () => {
    throw Object.assign(new Error('with frames'), { stack: [() => 'frame'] });
  },
  proxy: () => {
    throw new Proxy(new Error('behind it'), {
      getPrototypeOf: () => {
        throw new Error('no prototype');
      },
    });
  },
  nothing: () => {
    throw Object.assign(Object.create(null), { retry: () => true });
  },
  text: () => {
    throw 'only a text';
  },
  function: () => {
    throw function thrown() {};
  },
  uncloneable: () => {
    throw failed('ERR_CHAINRULE_INVALID', 'op', 'must be a number', { received: () => 0 });
  },
};

parentPort?.on('message', async (/** @type {string} */ what) => {
  /** @type {unknown} */
  let thrown;
  const throwing = { ...failures, ...others }[what];
  const outcome = await outcomeOf(async () => {
    if (!throwing) throw new Error(`${what} has no case`);
    try {
      return await throwing();
    } catch (error) {
      thrown = error;
      throw error;
    }
  });
  parentPort?.postMessage({ outcome, original: describe(thrown) });
});

/** What tests compare with what arrives; undefined for an error that cannot be read. @param {unknown} thrown */
function describe(thrown) {
  try {
    const { message, stack } = thrown instanceof Error ? thrown : {};
    const fields =
      thrown instanceof ChainruleError ? { code: thrown.code, op: thrown.op, expected: thrown.expected } : {};
    return structuredClone({ message, stack, ...fields });
  } catch {
    return undefined;
  }
}
