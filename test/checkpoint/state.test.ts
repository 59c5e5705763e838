import { describe, expect, it } from 'vitest';
import { differencesOf } from '#lib/checkpoint/differences.js';
import type { TensorSource } from '#lib/checkpoint/file.js';
import type { Fingerprint } from '#lib/checkpoint/fingerprint.js';
import { requireFit } from '#lib/checkpoint/fits.js';
import { decodeJson, encodeJson } from '#lib/checkpoint/json.js';
import { checkpointOptions, completeCheckpointOptions } from '#lib/checkpoint/options.js';
import {
  decodeState,
  type EpochRecord,
  encodeState,
  type Figures,
  type RunProgress,
  type RunState,
} from '#lib/checkpoint/state.js';
import { requireKind } from '#lib/graph/arguments/kind.js';
import { messageOf } from '#lib/graph/errors.js';

type Described = Pick<TensorSource, 'name' | 'dtype' | 'shape'>;

const settings = {
  rows: 32,
  seed: 3,
  shards: 8,
  batchSize: 32,
  'optimizer.betas': [0.9, 0.999],
  'data.length': 100,
};

const state: RunState = {
  settings,
  progress: {
    start: { step: 0, epoch: 0 },
    step: 5,
    epochs: 1,
    epochStep: 1,
    epochSeconds: 0.1 + 0.2,
    epochSkippedItems: 2,
    updates: { missed: 0, contributed: 1 },
    schedules: [null, { rate: 1e-3, best: Number.POSITIVE_INFINITY, bad: 0, cooling: 0 }],
    history: [
      {
        epoch: 1,
        loss: Number.NaN,
        seconds: 1,
        examplesPerSecond: 9,
        skippedSteps: 1,
        skippedItems: 0,
        validation: { loss: -0 },
      },
    ],
  },
};

describe('the state of a checkpoint', () => {
  it('comes back as it was, whatever its numbers', () => {
    const back = decodeState('file', encodeState(state, '1.2.3'));
    expect(back).toEqual({ ...state, format: 2, version: '1.2.3' });
    expect(Object.is(back.progress.history[0]?.validation?.loss, -0)).toBe(true);
    const strings = ['number:NaN', 'number:', 'number:number:-0', 'NaN', ''];
    expect(decodeJson(encodeJson(strings))).toEqual(strings);
  });

  it('holds the tables of a validation, and only whole ones', () => {
    const [record] = state.progress.history as readonly [EpochRecord];
    const withTables = (tables: unknown) => {
      const validation = { loss: 1, tables } as unknown as Figures;
      const progress = { ...state.progress, history: [{ ...record, validation }] };
      return encodeState({ settings, progress }, '1.2.3');
    };
    const confusion = { shape: [1, 2], data: [Number.NaN, 3] };
    const back = decodeState('file', withTables({ confusion }));
    expect(back.progress.history[0]?.validation?.tables).toEqual({ confusion });
    for (const odd of [
      [1],
      { confusion: 3 },
      { confusion: { shape: [1] } },
      { confusion: { shape: [1], data: ['1'] } },
    ]) {
      expect(() => decodeState('file', withTables(odd))).toThrow(
        'history[0].validation must be numbers by name, with loss, and tables',
      );
    }
  });

  it('of another format is refused, with the version that wrote it', () => {
    const text = encodeState(state, '1.2.3').replace('"format":2', '"format":3');
    expect(() => decodeState('dir/file', text)).toThrow(
      "dir/file: the checkpoint's format must be 1 or 2 (chainrule 1.2.3 wrote it), got 3",
    );
  });
});

/** The error for a run that differs from a checkpoint in these settings and tensors. */
function errorOf(
  given: Fingerprint,
  { saved = settings as Fingerprint, allow = [] as string[], format = 2, ...rest } = {},
) {
  const {
    there = [],
    here = there,
    progress = state.progress,
  } = rest as {
    there?: Described[];
    here?: Described[];
    progress?: RunProgress;
  };
  try {
    requireFit(
      'dir/file',
      { format, settings: saved, progress, tensors: there },
      { settings: given, tensors: here, allow },
    );
    return 'none';
  } catch (error) {
    return messageOf(error);
  }
}

describe('a run that does not fit a checkpoint', () => {
  it('is refused with all differences at once', () => {
    const message = errorOf({ ...settings, seed: 4, 'optimizer.betas': [0.8, 0.99] });
    expect(message).toBe(
      'fit: the checkpoint dir/file is of another run: seed: 3 in the checkpoint, 4 given; ' +
        'optimizer.betas: 0.9, 0.999 in the checkpoint, 0.8, 0.99 given. What you mean to change can be named in ' +
        "checkpoint.allow, as 'seed' and 'optimizer.betas'",
    );
    expect(errorOf(settings)).toBe('none');
  });

  it('goes on where it may differ, with all that belongs to a name', () => {
    const given = { ...settings, seed: 4, 'optimizer.betas': [0.8, 0.99] };
    expect(errorOf(given, { allow: ['seed', 'optimizer'] })).toBe('none');
    expect(errorOf(given, { allow: ['seed', 'optimizer.betas'] })).toBe('none');
    expect(errorOf(given, { allow: ['seed'] })).toContain('another run: optimizer.betas: ');
    // A name is a whole one.
    const shards = { ...settings, shards: 2, 'shards.of': 1 };
    expect(errorOf(shards, { allow: ['shards'] })).toBe('none');
    expect(errorOf(shards, { allow: ['shards.of'] })).toContain('another run: shards: 8');
  });

  it('may not allow what nothing is called', () => {
    const error = (name: string) => errorOf(settings, { allow: [name] });
    expect(error('optimizer.beta')).toBe(
      'fit: checkpoint.allow: nothing is called optimizer.beta; did you mean optimizer.betas?',
    );
    expect(error('batch_size')).toContain('did you mean batchSize?');
    expect(error('zzz')).toMatch(/nothing is called zzz; there are .*seed.* and data$/);
    for (const name of ['__proto__', 'constructor', '']) expect(error(name)).toContain('nothing is called');
  });

  it('may take batches or samples of another number between epochs only', () => {
    const given = { ...settings, batchSize: 16 };
    expect(errorOf(given, { allow: ['batchSize'] })).toBe(
      'fit: batchSize may change between epochs only, and the checkpoint dir/file is within one, ' +
        'got 1 steps of an epoch',
    );
    const progress = { ...state.progress, epochStep: 0 };
    expect(errorOf(given, { allow: ['batchSize'], progress } as never)).toBe('none');
  });

  it('leaves out what follows from another difference', () => {
    const digest = (text: string) => ({ text, digest: text, of: 'operations' });
    const one = {
      'model.a': digest('a'),
      graph: digest('1'),
      optimizer: 'adam',
      'optimizer.eps': 1,
      'optimizer.update': digest('x'),
    };
    const other = {
      'model.a': digest('b'),
      graph: digest('2'),
      optimizer: 'sgd',
      'optimizer.momentum': 1,
      'optimizer.update': digest('y'),
    };
    expect(differencesOf(one, other).map(({ name }) => name)).toEqual(['model.a', 'optimizer']);
    const alone = { ...one, graph: digest('2'), 'optimizer.update': digest('y') };
    expect(differencesOf(one, alone).map(({ name }) => name)).toEqual(['graph', 'optimizer.update']);
  });

  it('is compared by the few settings of the first format where the file has no others', () => {
    const saved = {
      optimizer: 'adam and sgd with average',
      accumulate: 1,
      seed: 3,
      shards: 8,
      batchSize: 32,
      shuffle: true,
      length: 100,
    };
    const given = {
      ...settings,
      shuffle: true,
      dropLast: false,
      optimizer: 'sgd',
      'optimizer.groups[0]': 'adam',
      'optimizer.average': 0.9,
      'optimizer.accumulate': 1,
    };
    expect(errorOf(given, { saved, format: 1 })).toBe('none');
    expect(
      errorOf({ ...given, 'optimizer.average': null, 'data.length': 99 }, { saved, format: 1 }),
    ).toContain(
      'optimizer: adam and sgd with average in the checkpoint, adam and sgd given; data.length: 100 in the checkpoint, 99 given',
    );
  });

  it('shows no control characters and no more than a line of any value', () => {
    const message = errorOf(settings, { saved: { ...settings, 'a\u001b[2J': 'x\u0007'.repeat(1e5) } });
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(message.length).toBeLessThan(600);
  });

  it('in its tensors is refused', () => {
    const there: Described[] = [
      { name: 'a', dtype: 'float32', shape: [2, 3] },
      { name: 'b', dtype: 'int32', shape: [] },
    ];
    const [a, b] = there as [Described, Described];
    const check = (...here: Described[]) =>
      errorOf(settings, { there: [...there, { ...a, name: 'training/losses' }], here } as never);
    expect(check(a, b)).toBe('none');
    expect(check(a)).toBe('fit: the checkpoint dir/file is of another run: among its tensors it has also b');
    expect(check({ ...a, name: 'c' }, b)).toContain('it lacks c and has also a');
    expect(check({ ...a, shape: [3, 2] }, b)).toContain(
      'a: float32[2,3] in the checkpoint, float32[3,2] given',
    );
    expect(check(a, { ...b, dtype: 'float32' })).toContain('b: int32[] in the checkpoint, float32[] given');
  });
});

describe('the options of checkpoints', () => {
  it('have defaults', () => {
    const never = Number.POSITIVE_INFINITY;
    const defaults = {
      dir: 'd',
      everySteps: never,
      everyMinutes: 5,
      keep: 3,
      onError: 'throw',
      sigterm: true,
      wait: 0,
      lock: true,
      allow: [],
    };
    expect(completeCheckpointOptions({ dir: 'd' })).toEqual(defaults);
    const waits = [false, true, 0, 250].map((wait) => completeCheckpointOptions({ dir: 'd', wait }).wait);
    expect(waits).toEqual([0, never, 0, 250]);
    expect(completeCheckpointOptions({ dir: 'd', everySteps: 4 })).toMatchObject({
      everySteps: 4,
      everyMinutes: never,
    });
  });

  it.each([
    ['runs', 'fit: checkpoint must be a plain object such as { dir: ... }, got runs'],
    [{}, 'checkpoint.dir must be a path, got undefined'],
    [{ dir: '' }, "checkpoint.dir must be a path, got ''"],
    [{ dir: 'd', everySteps: 0 }, 'checkpoint.everySteps must be a positive integer, got 0'],
    [{ dir: 'd', everyMinutes: 0 }, 'checkpoint.everyMinutes must be a positive number, got 0'],
    [{ dir: 'd', keep: 0 }, 'checkpoint.keep must be a positive integer, got 0'],
    [{ dir: 'd', onError: 'ignore' }, "checkpoint.onError must be 'throw' or 'warn', got ignore"],
    [{ dir: 'd', wait: -1 }, 'checkpoint.wait must be true or false or a non-negative number, got -1'],
    [{ directory: 'd' }, 'unknown option checkpoint.directory; did you mean checkpoint.dir?'],
    [
      { dir: 'd', every_steps: 1 },
      'unknown option checkpoint.every_steps; did you mean checkpoint.everySteps?',
    ],
    [{ dir: 'd', save_total_limit: 1 }, 'did you mean checkpoint.keep?'],
  ])('%j is refused', (options, message) => {
    expect(() => requireKind('fit', 'checkpoint', checkpointOptions, options)).toThrow(message);
  });

  it('are either steps or minutes', () => {
    expect(() => completeCheckpointOptions({ dir: 'd', everySteps: 1, everyMinutes: 1 })).toThrow(
      'fit: checkpoint: either everySteps or everyMinutes may be given, not both',
    );
  });
});
