import { ChainruleError, data, optim } from 'chainrule';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { at } from '#lib/graph/at.js';
import { addon } from '#lib/runtime/addon.js';
import { failure } from '../helpers/graphs.js';
import { trainerOf } from '../helpers/runs.js';
import { collect, points } from '../helpers/training.js';

const trainer = () => trainerOf(optim.sgd({ lr: 0.1 }), { workers: 2 });
const samples = (query = '') =>
  points(20).transform([
    data.custom(new URL(`../helpers/programs/upload-sample.mjs${query}`, import.meta.url)),
  ]);

/** An error and those behind it, the outermost first. */
function chainOf(error: unknown): Error[] {
  return error instanceof Error ? [error, ...chainOf(error.cause)] : [];
}

describe("a user's error in a worker", () => {
  it('is behind the error of fit, with its name, code and stack', async () => {
    const chain = chainOf(await failure(collect(trainer().fit(samples(), { batchSize: 10 }))));
    expect(chain.map((error) => [error.name, 'code' in error && error.code])).toEqual([
      ['ChainruleError', 'ERR_CHAINRULE_BAD_ITEM'],
      ['ChainruleError', 'ERR_CHAINRULE_BAD_ITEM'],
      ['StorageError', 'E_STORAGE'],
    ]);
    expect(at(chain, 1)).toBeInstanceOf(ChainruleError);
    expect(at(chain, 2).message).toBe('no such bucket');
    expect(at(chain, 2).stack).toContain('upload-sample.mjs');
  });

  it('is behind the error of evaluate', async () => {
    const error = await failure(trainer().evaluate(samples()));
    expect(error).toBeInstanceOf(ChainruleError);
    const { code } = error as ChainruleError;
    expect(code).toBe('ERR_CHAINRULE_BAD_ITEM');
    expect(error.cause).toMatchObject({ code, message: error.message, cause: { code: 'E_STORAGE' } });
  });

  it('that has no text is a bad item as well, which can be skipped', async () => {
    const module = new URL('../helpers/programs/fail-sample.mjs', import.meta.url);
    const fitWith = (onBadItem: 'error' | 'skip') => {
      const left = new Int32Array(new SharedArrayBuffer(4)).fill(1);
      const transform = data.custom(module, { options: { at: [3], kind: 'nothing', left }, onBadItem });
      return collect(trainer().fit(points(20).transform([transform]), { batchSize: 10 }));
    };
    const error = await failure(fitWith('error'));
    expect(error).toMatchObject({ code: 'ERR_CHAINRULE_BAD_ITEM' });
    expect(error.message).toContain('sample 3 could not be loaded: an error without a readable message');
    expect(await fitWith('skip')).toMatchObject([{ skippedItems: 1 }]);
  });

  it('outside of the library fails the step', async () => {
    const error = await failure(collect(trainer().fit(samples('?import'), { batchSize: 10 })));
    expect(error).toBeInstanceOf(ChainruleError);
    expect(error).toMatchObject({
      code: 'ERR_CHAINRULE_STEP_FAILED',
      cause: { name: 'StorageError', code: 'E_STORAGE', message: 'no such module' },
    });
    expect(error.message).toMatch(/^no such module, at epoch 1, step 0\./);
  });

  it.each(['evaluate', 'profile'] as const)('outside of the library fails the call of %s', async (op) => {
    const error = await failure(trainer()[op](samples('?import'), { batchSize: 10 }));
    expect(error).toBeInstanceOf(ChainruleError);
    expect(error).toMatchObject({
      code: 'ERR_CHAINRULE_STEP_FAILED',
      op,
      message: 'no such module',
      cause: { name: 'StorageError', code: 'E_STORAGE', message: 'no such module' },
    });
  });

  it('outside of the library fails a validation of fit', async () => {
    const error = await failure(collect(trainer().fit(points(20), { validation: samples('?import') })));
    expect(error).toMatchObject({ code: 'ERR_CHAINRULE_STEP_FAILED', op: 'fit', message: 'no such module' });
  });
});

describe('workers that cannot load the addon', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each([1, 2])('reject fit with the error of the addon, of %i', async (workers) => {
    const one = trainerOf(optim.sgd({ lr: 0.1 }), { workers });
    addon();
    vi.stubEnv('CHAINRULE_ADDON', '/missing.node');
    const error = await failure(collect(one.fit(points(20), { batchSize: 10 })));
    expect(error).toBeInstanceOf(ChainruleError);
    expect(error).toMatchObject({
      code: 'ERR_CHAINRULE_ADDON',
      cause: { code: 'ERR_CHAINRULE_ADDON', cause: { code: 'MODULE_NOT_FOUND' } },
    });
  });

  it('report an earlier error of their own as it is', async () => {
    addon();
    vi.stubEnv('CHAINRULE_ADDON', '/missing.node');
    const error = await failure(collect(trainer().fit(samples('?import'), { batchSize: 10 })));
    expect(error).toMatchObject({ code: 'ERR_CHAINRULE_STEP_FAILED', cause: { code: 'E_STORAGE' } });
  });
});
