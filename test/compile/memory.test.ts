import { grad } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { largestLiveBytes, layOutArena } from '#lib/compile/arena/lay-out.js';
import type { Step } from '#lib/compile/plan/plan.js';
import type { Buffer, Value } from '#lib/compile/plan/values.js';
import { contiguous } from '#lib/compile/plan/values.js';
import { input } from '#lib/graph/leaf.js';
import { planOf, variable } from '../helpers/graphs.js';

const outside: Value = { buffer: { kind: 'binding', index: 0 }, layout: contiguous([16]), dtype: 'float32' };

/** A value of `elements` floats in a buffer of its own. */
function value(id: number, elements = 16): Value {
  const buffer: Buffer = { kind: 'arena', id, bytes: elements * 4 };
  return { buffer, layout: contiguous([elements]), dtype: 'float32' };
}

const copy = (from: Value, to: Value): Step<Value> => ({
  kernel: 'copy',
  label: 'copy',
  flops: 0,
  input: from,
  output: to,
});
const map = (operands: Value[], outputs: Value[]): Step<Value> => ({
  kernel: 'map',
  label: 'map',
  flops: 0,
  compute: 'float32',
  shape: (operands[0] ?? outputs[0])?.layout.shape ?? [],
  operands,
  instructions: [],
  results: outputs.map((_, i) => i),
  outputs,
});

describe('the arena', () => {
  it('gives the bytes of a dead value to a later one', () => {
    const [a, b, c] = [value(0), value(1), value(2)];
    const { bytes, offsets } = layOutArena([copy(outside, a), copy(a, b), copy(b, c), copy(c, outside)]);
    expect(bytes).toBe(128);
    expect(offsets.get(0)).toBe(offsets.get(2));
    expect(offsets.get(0)).not.toBe(offsets.get(1));
  });

  it('keeps apart what a step reads and what it writes', () => {
    const { bytes } = layOutArena([copy(outside, value(0)), copy(value(0), value(1))]);
    expect(bytes).toBe(128);
  });

  it('gives the place of a dead operand to one output, and first to one that is read', () => {
    const [a, idle, read, other] = [value(0), value(1), value(2), value(3)];
    const steps = [copy(outside, a), map([a], [idle, read, other]), map([read, other], [outside])];
    const { bytes, offsets } = layOutArena(steps);
    expect(offsets.get(2)).toBe(offsets.get(0));
    expect(new Set([1, 2, 3].map((id) => offsets.get(id))).size).toBe(3);
    expect(bytes).toBe(largestLiveBytes(steps));
    expect(bytes).toBe(192);
  });

  it('starts every block at a cache line', () => {
    const steps = [
      copy(outside, value(0, 3)),
      copy(outside, value(1, 5)),
      map([value(0, 3), value(1, 5)], [outside]),
    ];
    const { offsets, bytes } = layOutArena(steps);
    expect([...offsets.values()].map((offset) => offset % 64)).toEqual([0, 0]);
    expect(bytes).toBe(128);
  });

  it('lets an element-wise step write over an operand that nobody reads again', () => {
    const { bytes, offsets, blocks } = layOutArena([
      copy(outside, value(0)),
      map([value(0)], [value(1)]),
      copy(value(1), outside),
    ]);
    expect(bytes).toBe(64);
    expect(offsets.get(0)).toBe(offsets.get(1));
    expect(blocks).toEqual([{ offset: 0, bytes: 64, first: 0, last: 2 }]);
  });

  it.each<[string, Value, Value, Step<Value>[]]>([
    ['is read again', value(0), value(1), [copy(value(0), outside)]],
    [
      'is read turned around',
      { ...value(0), layout: { offset: 15, shape: [16], strides: [-1] } },
      value(1),
      [],
    ],
    ['is repeated', { ...value(0), layout: { offset: 0, shape: [16], strides: [0] } }, value(1), []],
    ['has another type', value(0), { ...value(1), dtype: 'int32' }, []],
    ['has another size', value(0, 17), value(1, 16), []],
  ])('does not write over an operand that %s', (_, operand, output, later) => {
    const whole = { ...operand, layout: contiguous([16]) };
    const { offsets } = layOutArena([
      copy(outside, whole),
      map([operand], [output]),
      ...later,
      copy(output, outside),
    ]);
    expect(offsets.get(0)).not.toBe(offsets.get(1));
  });

  it('lets a reduction store what it computes on its way over an operand that nobody reads again', () => {
    const x = input('x', [32, 32]);
    const y = x.matmul(x).exp();
    const plan = planOf({ inputs: [x], outputs: [y.sum(1), y.matmul(x)] });
    expect(plan.steps.map(({ label }) => label)).toEqual(['matmul', 'exp+sum', 'matmul']);
    expect(plan.arenaBytes).toBe(32 * 32 * 4);
  });

  it('does not give one operand to two outputs', () => {
    const { offsets } = layOutArena([
      copy(outside, value(0)),
      map([value(0)], [value(1), value(2)]),
      map([value(1), value(2)], [outside]),
    ]);
    expect(offsets.get(1)).not.toBe(offsets.get(2));
  });

  it('is no larger than what is alive at once, for a chain of products', () => {
    const x = input('x', [32, 32]);
    let y = x.matmul(variable([32, 32]));
    for (let i = 0; i < 10; i++) y = y.matmul(variable([32, 32]));
    // Two matrices at any time: the one that is read and the one that is written.
    expect(planOf({ inputs: [x], outputs: [y] }).arenaBytes).toBe(2 * 32 * 32 * 4);
  });

  it('keeps for the backward pass what it reads, and nothing else', () => {
    const x = input('x', [32, 32]);
    const weights = Array.from({ length: 6 }, () => variable([32, 32]));
    const y = weights.reduce((value, weight) => value.matmul(weight).relu(), x.relu());
    const { arenaBytes } = planOf({ inputs: [x], outputs: grad(y.sum(), weights) });
    const matrix = 32 * 32 * 4;
    // Seven activations, and two gradients that are passed down.
    expect(arenaBytes).toBeGreaterThanOrEqual(7 * matrix);
    expect(arenaBytes).toBeLessThanOrEqual(9 * matrix);
  });
});

describe('the largest sum of live bytes', () => {
  it('counts what is alive at once, by whole cache lines', () => {
    const steps = [
      copy(outside, value(0, 3)),
      copy(outside, value(1, 17)),
      copy(value(1, 17), outside),
      copy(value(0, 3), value(2, 1)),
    ];
    expect(largestLiveBytes(steps)).toBe(64 + 128);
  });

  it('counts memory that is written in place once, however long the chain', () => {
    const chain = Array.from({ length: 5 }, (_, i) => map([value(i)], [value(i + 1)]));
    expect(largestLiveBytes([copy(outside, value(0)), ...chain, copy(value(5), outside)])).toBe(64);
    expect(largestLiveBytes([copy(outside, value(0)), ...chain, map([value(0), value(5)], [outside])])).toBe(
      128,
    );
  });

  it('is 0 without steps, and where nothing lies in the arena', () => {
    expect(largestLiveBytes([])).toBe(0);
    expect(largestLiveBytes([copy(outside, outside)])).toBe(0);
  });
});
