import { describe, expect, it } from 'vitest';
import { addon } from '#lib/runtime/addon.js';
import { binding, context, operand } from '../helpers/addon-plans.js';

const slots = (buffer: number, count: number, first = 0) => ({
  operand: operand(buffer, 0, [count, 2]),
  slots: count,
  first,
});

/** Copies two floats from its first binding to its second, through its arena. */
const body = {
  arenaBytes: 8,
  bindings: [binding(2), binding(2)],
  steps: [
    { kernel: 'copy', input: operand(1, 0, [2]), output: operand(0, 0, [2]) },
    { kernel: 'copy', input: operand(0, 0, [2]), output: operand(2, 0, [2]) },
  ],
};

const step = {
  kernel: 'scan',
  length: 3,
  reverse: false,
  body,
  bindings: [slots(1, 3), slots(2, 3)],
  workspace: operand(0, 0, [8], 'uint8'),
};

/** A plan of one loop over two bindings of three rows. */
const plan = (changes: object = {}) => ({
  arenaBytes: 64,
  bindings: [binding(6), binding(6)],
  steps: [{ ...step, ...changes }],
});

/** The second binding after a run; it starts with 7, 8 and zeros. */
function run(changes: object): number[] {
  const output = Float32Array.of(7, 8, 0, 0, 0, 0);
  addon().run(addon().createPlan(plan(changes)), [Float32Array.of(1, 2, 3, 4, 5, 6), output], context);
  return [...output];
}

const handingOn = { length: 2, bindings: [slots(2, 3), slots(2, 3, 1)] };

describe('a loop in the addon', () => {
  it.each<[string, object, number[]]>([
    ['walks the slots of its bindings', {}, [1, 2, 3, 4, 5, 6]],
    ['runs no more steps than it is told', { length: 2 }, [1, 2, 3, 4, 0, 0]],
    ['does nothing in no steps', { length: 0 }, [7, 8, 0, 0, 0, 0]],
    ['turns round at the last slot', { bindings: [slots(1, 3, 2), slots(2, 3)] }, [5, 6, 1, 2, 3, 4]],
    ['hands on from slot to slot', handingOn, [7, 8, 7, 8, 7, 8]],
    ['starts at the last step in reverse', { ...handingOn, reverse: true }, [7, 8, 7, 8, 0, 0]],
  ])('%s', (_, changes, expected) => {
    expect(run(changes)).toEqual(expected);
  });

  it.each<[string, object, string]>([
    ['a negative length', { length: -1 }, 'scan: length must be from 0 to 2^31 - 1'],
    ['no body', { body: undefined }, 'plan: arenaBytes must be an integer'],
    ['bindings that are no list', { bindings: 2 }, 'scan: bindings must be an array, got 2'],
    ['too few bindings', { bindings: [slots(1, 3)] }, "bindings and the body's bindings differ in number"],
    ['no slots', { bindings: [slots(1, 3), { ...slots(2, 3), slots: 0 }] }, 'scan: slots must be positive'],
    [
      'a start before the first slot',
      { bindings: [slots(1, 3), { ...slots(2, 3), first: -1 }] },
      'scan: first must not be negative',
    ],
    [
      'more slots than there is memory for',
      { bindings: [slots(1, 3), { ...slots(2, 3), slots: 4 }] },
      "a binding's size is not that of its slots",
    ],
    [
      'a size that overflows',
      { bindings: [slots(1, 3), { ...slots(2, 3), slots: 2 ** 47 }] },
      "a binding's size is not that of its slots",
    ],
    [
      'a binding of another dtype',
      { bindings: [slots(1, 3), { ...slots(2, 3), operand: operand(2, 0, [3, 2], 'int32') }] },
      "a binding and the body's differ in dtype",
    ],
    [
      'a binding with gaps',
      { bindings: [slots(1, 3), { operand: operand(2, 0, [1, 2], 'float32', [2, 2]), slots: 1, first: 0 }] },
      'a binding is not contiguous',
    ],
    ['no workspace', { workspace: undefined }, 'scan: workspace must be at least 8 bytes, got 0'],
    [
      'a small workspace',
      { workspace: operand(0, 0, [4], 'uint8') },
      'workspace must be at least 8 bytes, got 4',
    ],
    [
      'a workspace that is not aligned',
      { workspace: operand(0, 4, [8], 'uint8') },
      'workspace must be bytes on a cache line of the arena',
    ],
    [
      'a workspace in a binding',
      { workspace: operand(1, 0, [2]) },
      'workspace must be bytes on a cache line of the arena',
    ],
    [
      'a body that leaves its bindings',
      { body: { ...body, steps: [{ kernel: 'fill', value: 1, output: operand(2, 0, [3]) }] } },
      'fill: output must be within its buffer of 8 bytes',
    ],
  ])('refuses %s', (_, changes, message) => {
    expect(() => addon().createPlan(plan(changes))).toThrow(message);
  });

  it('refuses loops in loops without end', () => {
    const deep: Record<string, unknown> = { ...step };
    deep.body = { ...body, steps: [deep] };
    expect(() => addon().createPlan({ ...plan(), steps: [deep] })).toThrow('nested too deeply');
  });
});
