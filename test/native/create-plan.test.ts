import { describe, expect, it } from 'vitest';
import { addon } from '#lib/runtime/addon.js';
import { binding, context, operand } from '../helpers/addon-plans.js';

/** A plan of one step that fills an operand of a 64-byte arena, or of a binding of 4 floats. */
const fill = (output: unknown) => ({
  arenaBytes: 64,
  bindings: [binding(4)],
  steps: [{ kernel: 'fill', value: 1, output }],
});

const cyclic: unknown[] = [];
cyclic.push(cyclic);

describe('createPlan', () => {
  const good = operand(0, 0, [4]);
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'createPlan: plan must be an object, got undefined'],
    ['an empty plan', {}, 'plan: arenaBytes must be an integer'],
    ['a negative arena', { ...fill(good), arenaBytes: -1 }, 'plan: arenaBytes must be an integer'],
    ['an arena of NaN bytes', { ...fill(good), arenaBytes: Number.NaN }, 'got NaN'],
    ['an arena beyond any memory', { ...fill(good), arenaBytes: 2 ** 53 }, 'plan: arenaBytes must be'],
    ['bindings that are no list', { ...fill(good), bindings: 3 }, 'plan: bindings must be an array, got 3'],
    [
      'a binding without dtype',
      { ...fill(good), bindings: [{ bytes: 4 }] },
      'plan: bindings[0].dtype must be',
    ],
    [
      'a binding of half elements',
      { ...fill(good), bindings: [binding(1, 'float32', 6)] },
      'a multiple of 4, got 6',
    ],
    ['steps that are no list', { ...fill(good), steps: {} }, 'plan: steps must be an array, got an object'],
    ['a hole for a step', { ...fill(good), steps: [undefined] }, 'plan: steps[0].kernel must be a string'],
    ['an unknown kernel', { ...fill(good), steps: [{ kernel: 'fly' }] }, "plan: unknown kernel 'fly'"],
    ['steps that hold themselves', { ...fill(good), steps: cyclic }, 'plan: too large, or nested too deeply'],
    ['a missing operand', fill(undefined), 'fill: output must be an object, got undefined'],
    [
      'a typed array for an operand',
      fill(new Float32Array(4)),
      'fill: output must be an object, got binary data',
    ],
    [
      'a missing attribute',
      { ...fill(good), steps: [{ kernel: 'fill', output: good }] },
      'fill: value must be a number',
    ],
    [
      'a buffer that is not there',
      fill(operand(2, 0, [4])),
      'fill: output.buffer must be an integer from 0 to 1, got 2',
    ],
    ['a negative buffer', fill(operand(-1, 0, [4])), 'fill: output.buffer must be'],
    [
      'an offset past the end',
      fill(operand(0, 68, [0])),
      'fill: output.offset must be an integer from 0 to 64',
    ],
    ['a negative offset', fill(operand(0, -4, [4])), 'fill: output.offset must be'],
    ['a misaligned offset', fill(operand(0, 2, [4])), 'fill: output.offset must be a multiple of 4, got 2'],
    [
      'an unknown dtype',
      fill(operand(0, 0, [4], 'float16')),
      "fill: output.dtype must be float32, float64, int32, uint8 or bool, got 'float16'",
    ],
    [
      'a dtype of another size than the binding',
      fill(operand(1, 0, [2], 'float64')),
      "fill: output.dtype and its binding's differ in size",
    ],
    ['a shape that is a number', fill({ ...good, shape: 4 }), 'fill: output.shape must be an array, got 4'],
    ['a negative dimension', fill(operand(0, 0, [-4])), 'fill: output.shape[0] must be'],
    ['a fractional dimension', fill(operand(0, 0, [1.5])), 'got 1.5'],
    ['a dimension of NaN', fill(operand(0, 0, [Number.NaN])), 'got NaN'],
    ['a dimension that is text', fill({ ...good, shape: ['4'] }), "got '4'"],
    ['too few strides', fill(operand(0, 0, [4], 'float32', [])), 'differ in length'],
    ['too many dimensions', fill(operand(0, 0, Array(40).fill(1))), 'too many dimensions'],
    [
      'one element too many',
      fill(operand(0, 0, [17])),
      'fill: output must be within its buffer of 64 bytes, got bytes 0 to 68',
    ],
    ['one element past a binding', fill(operand(1, 4, [4])), 'within its buffer of 16 bytes'],
    ['a stride past the end', fill(operand(0, 0, [2], 'float32', [16])), 'got bytes 0 to 68'],
    ['a stride before the start', fill(operand(0, 4, [3], 'float32', [-1])), 'got bytes -4 to 8'],
    [
      'a size that overflows',
      fill(operand(0, 0, [2 ** 40, 2 ** 40], 'float32', [0, 0])),
      'too many elements',
    ],
    [
      'an overflow behind a zero',
      fill(operand(0, 0, [0, 2 ** 40, 2 ** 40], 'float32', [0, 0, 0])),
      'too many elements',
    ],
    ['a reach that overflows', fill(operand(0, 0, [2 ** 40], 'float32', [2 ** 46])), 'strides overflow'],
    ['a stride of 2^53', fill(operand(0, 0, [4], 'float32', [2 ** 53])), 'fill: output.strides[0] must be'],
    [
      'an operand that the kernel refuses',
      fill(operand(0, 0, [2, 2], 'float32', [1, 2])),
      'fill: output must be contiguous',
    ],
  ])('refuses %s', (_, plan, message) => {
    expect(() => addon().createPlan(plan as object)).toThrow(message);
  });

  it('accepts the last byte, a broadcast, a reversed view and no elements at all', () => {
    const views = [operand(0, 60, [1]), operand(0, 0, [9], 'float32', [0]), operand(0, 64, [0])];
    for (const view of views) {
      const copy = { kernel: 'copy', input: view, output: { ...view } };
      expect(() => addon().createPlan({ ...fill(good), steps: [copy] })).not.toThrow();
    }
    const reversed = {
      kernel: 'copy',
      input: operand(1, 12, [4], 'float32', [-1]),
      output: operand(2, 0, [4]),
    };
    const handle = addon().createPlan({
      arenaBytes: 0,
      bindings: [binding(4), binding(4)],
      steps: [reversed],
    });
    const output = new Float32Array(4);
    addon().run(handle, [Float32Array.of(1, 2, 3, 4), output], context);
    expect([...output]).toEqual([4, 3, 2, 1]);
  });

  it('reads each field once, so that a getter cannot change what was checked', () => {
    let reads = 0;
    const output = {
      ...good,
      get shape() {
        return reads++ === 0 ? [4] : [1000];
      },
    };
    addon().run(addon().createPlan(fill(output)), [new Float32Array(4)], context);
    expect(reads).toBe(1);
  });

  it('passes on what a getter throws', () => {
    const plan = {
      get steps() {
        throw new RangeError('mine');
      },
      arenaBytes: 0,
      bindings: [],
    };
    expect(() => addon().createPlan(plan)).toThrow(new RangeError('mine'));
  });
});
