import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ChainruleError } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '#lib/graph/error-codes.js';
import { type Outcome, resultOf } from '#lib/graph/outcome.js';
import { failure } from '../helpers/graphs.js';

interface Original {
  readonly message: string;
  readonly stack: string;
}

/** What a thread throws, as this one gets it, and as it was. */
async function thrownBy(what: string): Promise<{ error: Error; original: Original }> {
  const script = new URL('../helpers/programs/throw-in-thread.mjs', import.meta.url);
  const worker = new Worker(script, { workerData: what });
  const [report]: { outcome: Outcome<unknown>; original: Original }[] = await once(worker, 'message');
  await worker.terminate();
  const { outcome, original } = report as { outcome: Outcome<unknown>; original: Original };
  return { error: await failure((async () => resultOf(outcome))()), original };
}

describe('an error of another thread has its class and its fields:', () => {
  it.each(Object.keys(errorCodes))('%s', async (code) => {
    const { error, original } = await thrownBy(code);
    expect(error).toBeInstanceOf(ChainruleError);
    expect(original).toMatchObject({ code });
    expect(error).toMatchObject(original);
  });

  it('what was received', async () => {
    const { error } = await thrownBy('ERR_CHAINRULE_INVALID');
    expect(error).toMatchObject({ op: 'Linear', received: -1 });
  });

  it('not what was received where that cannot be cloned', async () => {
    const { error } = await thrownBy('uncloneable');
    expect(error).toMatchObject({ op: 'op', received: undefined });
    expect(error.message).toBe('op: must be a number, got function received');
  });

  it('the op that the addon names', async () => {
    const { error } = await thrownBy('ERR_CHAINRULE_DATA');
    expect(error).toMatchObject({ op: 'gather', expected: 'index 2 at position 1 is outside 0..1' });
  });

  it('its causes, with the codes of the system', async () => {
    const { error } = await thrownBy('ERR_CHAINRULE_CHECKPOINT');
    expect(error.cause).toMatchObject({ code: 'EEXIST', syscall: 'mkdir' });
  });
});

describe("a user's error of another thread", () => {
  it('keeps name, message, code, fields, stack and cause', async () => {
    const { error, original } = await thrownBy('subclass');
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({
      name: 'StorageError',
      code: 'E_STORAGE',
      details: { tries: 3 },
      ...original,
    });
    expect(error.stack).toContain('throw-in-thread.mjs');
    expect(error.cause).toMatchObject({ message: 'connection reset' });
    expect(error).not.toHaveProperty('retry');
  });

  it('of the system has its code', async () => {
    const { error } = await thrownBy('system');
    expect(error).toMatchObject({ code: 'ENOENT', path: '/no/such/file', syscall: 'open' });
  });

  it('of an abort is one', async () => {
    const { error } = await thrownBy('abort');
    expect(error.name).toBe('AbortError');
  });

  it('that is its own cause arrives once', async () => {
    const { error } = await thrownBy('cycle');
    expect(error.cause).toMatchObject({ message: 'second' });
    expect(error.cause).not.toHaveProperty('cause');
  });

  it('may be anything', async () => {
    expect((await thrownBy('text')).error).toBe('only a text');
    expect((await thrownBy('function')).error).toMatch(/^function thrown/);
  });
});
