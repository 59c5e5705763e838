import { fileURLToPath } from 'node:url';
import { ChainruleError } from 'chainrule';
import { Piscina } from 'piscina';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '#lib/parallel/prepare/ask.js';
import { failure } from '../helpers/graphs.js';

let pool: Piscina;
beforeEach(() => {
  const filename = fileURLToPath(new URL('../helpers/programs/fail-task.mjs', import.meta.url));
  pool = new Piscina({ filename, minThreads: 2, maxThreads: 2 });
});
afterEach(() => pool.destroy());

describe('a task', () => {
  it.each(['exit', 'give a function'])('whose thread ends is reported as that: %s', async (task) => {
    const error = await failure(ask(pool, task));
    expect(error).toBeInstanceOf(ChainruleError);
    expect(error).toMatchObject({ code: 'ERR_CHAINRULE_WORKER_ENDED' });
  });

  it('whose thread is terminated is reported as that', async () => {
    const error = failure(ask(pool, 'throw'));
    await pool.destroy();
    expect(await error).toMatchObject({ code: 'ERR_CHAINRULE_WORKER_ENDED' });
  });

  it('that rejects while its thread lives keeps its error', async () => {
    const error = await failure(ask(pool, 'throw'));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe('not caught');
  });

  it('that cannot be cloned keeps its error', async () => {
    expect((await failure(ask(pool, () => 0))).name).toBe('DataCloneError');
  });
});
