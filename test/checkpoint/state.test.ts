import { describe, expect, it } from 'vitest';
import { requireSettings, requireTensors } from '#lib/checkpoint/fits.js';
import { decodeJson, encodeJson } from '#lib/checkpoint/json.js';
import { checkpointOptions, completeCheckpointOptions } from '#lib/checkpoint/options.js';
import { decodeState, encodeState, type RunState } from '#lib/checkpoint/state.js';
import { requireKind } from '#lib/graph/arguments/kind.js';

const settings = {
  optimizer: 'adam',
  accumulate: 1,
  seed: 3,
  shards: 8,
  batchSize: 32,
  shuffle: true,
  length: 100,
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
    expect(back).toEqual(state);
    expect(Object.is(back.progress.history[0]?.validation?.loss, -0)).toBe(true);
    const strings = ['number:NaN', 'number:', 'number:number:-0', 'NaN', ''];
    expect(decodeJson(encodeJson(strings))).toEqual(strings);
  });

  it('of another format is refused, with the version that wrote it', () => {
    const text = encodeState(state, '1.2.3').replace('"format":1', '"format":2');
    expect(() => decodeState('dir/file', text)).toThrow(
      "dir/file: the checkpoint's format must be 1 (chainrule 1.2.3 wrote it), got 2",
    );
  });
});

describe('a run that does not fit a checkpoint', () => {
  it.each([
    ['optimizer', 'sgd', 'optimizer must be adam, as in the checkpoint dir/file, got sgd'],
    ['accumulate', 4, "the optimiser's accumulate must be 1, as in the checkpoint dir/file, got 4"],
    ['seed', 4, 'seed must be 3, as in the checkpoint dir/file, got 4'],
    ['shards', 2, 'shards must be 8, as in the checkpoint dir/file, got 2'],
    ['batchSize', 64, 'batchSize must be 32, as in the checkpoint dir/file, got 64'],
    ['shuffle', false, 'shuffle must be true, as in the checkpoint dir/file, got false'],
    ['dropLast', true, 'dropLast must be false, as in the checkpoint dir/file, got true'],
    ['length', 99, 'the number of samples must be 100, as in the checkpoint dir/file, got 99'],
  ])('in %s is refused', (name, value, message) => {
    const given = { ...settings, [name]: value };
    expect(() => requireSettings('dir/file', settings, given)).toThrow(`fit: ${message}`);
  });

  it('in its tensors is refused', () => {
    const tensors = [
      { name: 'a', dtype: 'float32', shape: [2, 3] },
      { name: 'b', dtype: 'int32', shape: [] },
    ] as const;
    const check = (...given: { name: string; dtype: 'float32' | 'int32'; shape: readonly number[] }[]) =>
      expect(() => requireTensors('file', [...tensors, { ...tensors[0], name: 'training/losses' }], given));
    check(...tensors).not.toThrow();
    check(tensors[0]).toThrow('fit: the checkpoint file does not fit the model and optimiser: it has also b');
    check({ ...tensors[0], name: 'c' }, tensors[1]).toThrow('it lacks c and has also a');
    check({ ...tensors[0], shape: [3, 2] }, tensors[1]).toThrow(
      'fit: a must be float32[2,3], as in the checkpoint file, got float32[3,2]',
    );
    check(tensors[0], { ...tensors[1], dtype: 'float32' }).toThrow(
      'fit: b must be int32[], as in the checkpoint file, got float32[]',
    );
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
