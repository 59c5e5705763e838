import { describe, expect, it } from 'vitest';
import { addon } from '#lib/runtime/addon.js';
import { binding, context, operand } from '../helpers/addon-plans.js';

const floats = (shape: number[], at = 0) => operand(0, at, shape);
const whole = (shape: number[], at = 0) => operand(0, at, shape, 'int32');
const plan = (step: object) => ({ arenaBytes: 256, bindings: [binding(4)], steps: [step] });

const good = {
  argSort: {
    input: floats([2, 3]),
    output: whole([2, 3], 64),
    workspace: operand(0, 192, [24], 'uint8'),
    dims: [2, 3, 1],
    descending: false,
    count: 3,
  },
  cumSum: { input: floats([2, 3]), output: floats([2, 3], 64), dims: [2, 3, 1], reverse: true },
  takeAlong: {
    name: 'test',
    table: floats([2, 3]),
    indices: whole([2, 2], 64),
    output: floats([2, 2], 128),
    dims: [2, 3, 1],
    count: 2,
  },
  scatterAddAlong: {
    name: 'test',
    indices: whole([2, 2], 64),
    updates: floats([2, 2]),
    output: floats([2, 3], 128),
    dims: [2, 3, 1],
    count: 2,
  },
  solve: {
    name: 'test',
    a: floats([2, 2]),
    b: floats([2, 1], 64),
    output: floats([2, 1], 128),
    workspace: operand(0, 192, [16], 'uint8'),
  },
  argMax: { input: floats([2, 3]), output: whole([2], 64), dims: [2, 3, 1], least: true },
};

describe('kernels of order, indexing and solving', () => {
  it('take steps that fit', () => {
    for (const [kernel, step] of Object.entries(good)) {
      expect(() => addon().createPlan(plan({ kernel, ...step })), kernel).not.toThrow();
    }
  });

  it.each<[keyof typeof good, object, string]>([
    ['argSort', { dims: [2, 3] }, 'argSort: dims must be [outer, length, inner]'],
    ['argSort', { dims: [2, 4, 1] }, 'argSort: operands have another size than dims says'],
    ['argSort', { dims: [0, 2 ** 40, 1] }, 'argSort: length must fit in int32'],
    ['argSort', { count: 4 }, 'argSort: count must be from 0 to length'],
    ['argSort', { count: -1 }, 'argSort: count must be from 0 to length'],
    ['argSort', { output: floats([2, 3], 64) }, 'argSort: output must be int32'],
    ['argSort', { input: operand(0, 0, [2, 3], 'float32', [1, 2]) }, 'argSort: operands must be contiguous'],
    ['cumSum', { dims: [6, 1] }, 'cumSum: dims must be [outer, length, inner]'],
    ['cumSum', { dims: [2, 2, 1] }, 'cumSum: operands have another size than dims says'],
    ['cumSum', { output: whole([2, 3], 64) }, 'cumSum: operands differ in dtype'],
    ['cumSum', { reverse: 1 }, 'cumSum: reverse must be'],
    ['takeAlong', { dims: [3] }, 'takeAlong: dims must be [outer, length, inner]'],
    ['takeAlong', { count: 3 }, 'takeAlong: operands have another size than dims and count say'],
    ['takeAlong', { dims: [2, 4, 1] }, 'takeAlong: the table has another size than dims says'],
    ['takeAlong', { indices: floats([2, 2], 64) }, 'takeAlong: indices must be int32'],
    ['takeAlong', { output: whole([2, 2], 128) }, 'takeAlong: operands differ in dtype'],
    ['scatterAddAlong', { dims: [1, 3, 1] }, 'scatterAddAlong: the table has another size than dims says'],
    [
      'scatterAddAlong',
      { updates: floats([2, 3]) },
      'scatterAddAlong: operands have another size than dims and count say',
    ],
    [
      'scatterAddAlong',
      { updates: whole([2, 2]), output: whole([2, 3], 128) },
      'scatterAddAlong: expected float32 or float64',
    ],
    ['solve', { a: floats([2, 3]) }, 'solve: sizes differ'],
    ['solve', { a: floats([4]) }, 'solve: operands must be matrices'],
    ['solve', { b: floats([3, 1], 64) }, 'solve: sizes differ'],
    [
      'solve',
      { a: floats([2, 2, 2]), b: floats([1, 2, 1], 64), output: floats([1, 2, 1], 128) },
      'solve: batches differ',
    ],
    ['solve', { output: floats([1, 2], 128) }, 'solve: output has another shape than b'],
    [
      'solve',
      { workspace: operand(0, 192, [12], 'uint8') },
      'solve: workspace must be at least 16 bytes, got 12',
    ],
    ['solve', { workspace: whole([4], 192) }, 'solve: workspace must be bytes on a cache line of the arena'],
    ['argMax', { least: undefined }, 'argMax: least must be'],
  ])('%s refuses %o', (kernel, change, message) => {
    expect(() => addon().createPlan(plan({ kernel, ...good[kernel], ...change }))).toThrow(message);
  });

  it.each<[keyof typeof good, object]>([
    ['argSort', { output: whole([2, 0], 64), count: 0 }],
    ['cumSum', { input: floats([2, 0, 3]), output: floats([2, 0, 3], 64), dims: [2, 0, 3], reverse: false }],
  ])('%s writes nothing where its output is empty', (kernel, change) => {
    const read = { kernel: 'copy', input: floats([4], 64), output: operand(1, 0, [4]) };
    const steps = [
      { kernel: 'fill', value: 1, output: floats([16]) },
      { kernel: 'fill', value: 2, output: floats([4], 64) },
      { kernel, ...good[kernel], ...change },
      read,
    ];
    const found = new Float32Array(4);
    addon().run(addon().createPlan({ ...plan(read), steps }), [found], context);
    expect([...found]).toEqual([2, 2, 2, 2]);
  });

  it('stop at an index outside', () => {
    const step = { kernel: 'takeAlong', ...good.takeAlong, indices: operand(1, 0, [2, 2], 'int32') };
    const handle = addon().createPlan({ arenaBytes: 256, bindings: [binding(4, 'int32')], steps: [step] });
    expect(() => addon().run(handle, [Int32Array.of(0, 1, 3, 0)], context)).toThrow(
      'test: index 3 at position 2 is outside 0..2',
    );
  });
});
