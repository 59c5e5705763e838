import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ChainruleError } from 'chainrule';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorCodes } from '#lib/graph/error-codes.js';
import { type Outcome, resultOf } from '#lib/graph/outcome.js';
import { failure } from '../helpers/graphs.js';

interface Original {
  readonly message: string;
  readonly stack: string;
}

let worker: Worker;
beforeAll(() => {
  worker = new Worker(new URL('../helpers/programs/throw-in-thread.mjs', import.meta.url));
});
afterAll(() => worker.terminate());

/** What a thread throws, as this one gets it, and as it was. */
async function thrownBy(what: string): Promise<{ error: Error; original: Original }> {
  worker.postMessage(what);
  const [report]: { outcome: Outcome<unknown>; original: Original }[] = await once(worker, 'message');
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

  it('of a long chain of causes arrives with the first 100', async () => {
    const { error } = await thrownBy('chain');
    const messages: string[] = [];
    for (let one: unknown = error; one instanceof Error; one = one.cause) messages.push(one.message);
    expect(messages).toEqual(Array.from({ length: 100 }, (_, i) => `cause ${19_999 - i}`));
  });

  it('may be anything', async () => {
    expect((await thrownBy('text')).error).toBe('only a text');
    expect((await thrownBy('function')).error).toMatch(/^function thrown/);
    expect((await thrownBy('nothing')).error).toBe('an error without a readable message');
  });
});

describe('an AggregateError of another thread', () => {
  it('has its class and its errors, with theirs', async () => {
    const { error, original } = await thrownBy('joined');
    expect(error).toBeInstanceOf(AggregateError);
    expect(error).toMatchObject({ name: 'AggregateError', ...original });
    const { errors, cause } = error as AggregateError;
    expect(errors).toHaveLength(3);
    expect(errors[0]).toBeInstanceOf(TypeError);
    expect(errors[0]).toMatchObject({ message: 'refused', port: 0, cause: { message: 'port 0' } });
    expect(errors[0].cause).toBeInstanceOf(RangeError);
    expect(errors[1]).toBe('a text');
    expect(errors[2]).toMatchObject({ name: 'AbortError' });
    expect(cause).toEqual(errors[0]);
    expect(Object.keys(error)).not.toContain('errors');
  });

  it('of very many errors has the first of them', async () => {
    const { errors } = (await thrownBy('many')).error as AggregateError;
    expect(errors.map(({ message }) => message)).toEqual(Array.from({ length: 99 }, (_, i) => `server ${i}`));
  });
});

describe('of an error of another thread that', () => {
  it('has a message of another type, the message is text', async () => {
    const { error } = await thrownBy('message');
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: '[object Object]', code: 'E_ANSWER' });
    expect(error.stack).toContain('throw-in-thread.mjs');
  });

  it('has a stack of another type, the stack is text', async () => {
    const { error } = await thrownBy('frames');
    expect(error).toMatchObject({ message: 'with frames', stack: "() => 'frame'" });
  });

  it('throws when it is read, the class arrives', async () => {
    const { error } = await thrownBy('getters');
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ name: 'TypeError', message: 'an error without a readable message' });
    expect(error).not.toHaveProperty('cause');
    expect(error).not.toHaveProperty('code');
    expect(error.stack).toBeUndefined();
  });

  it('hides its class, something arrives', async () => {
    const { error } = await thrownBy('proxy');
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toBe('an error without a readable message');
  });
});
