import { matmul, sum, transpose } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { compileGraph } from '#lib/compile/compile.js';
import { input } from '#lib/graph/leaf.js';
import { addon } from '#lib/runtime/addon.js';
import { encodePlan } from '#lib/runtime/encode.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

describe('largest', () => {
  it.each([Float32Array, Float64Array])('is the largest magnitude, wherever it is, of a %o', (Values) => {
    for (const length of [1, 3, 16, 63, 64, 65, 200, 1000]) {
      for (const place of [0, length >> 2, length >> 1, length - 1]) {
        for (const [value, expected] of [
          [-7, 7],
          [infinity, infinity],
          [-infinity, infinity],
          [nan, infinity],
        ] as const) {
          const values = new Values(Array.from({ length }, (_, i) => Math.sin(i)));
          values[place] = value;
          expect(addon().largest(values, 0, length)).toBe(expected);
        }
      }
    }
  });

  it('is that of a range, and 0 of none', () => {
    const values = Float32Array.of(nan, -3, 2, infinity);
    expect(addon().largest(values, 1, 3)).toBe(3);
    expect(addon().largest(values, 2, 2)).toBe(0);
    // The sign of a NaN does not matter, nor its other bits.
    const bits = Int32Array.of(-1, 0x7f800001, 0x7fffffff);
    for (const i of [0, 1, 2])
      expect(addon().largest(new Float32Array(bits.buffer), i, i + 1)).toBe(infinity);
  });

  it('refuses what is no range of floats', () => {
    expect(() => addon().largest(new Int32Array(2), 0, 1)).toThrow(
      'largest: array must be Float32Array or Float64Array',
    );
    expect(() => addon().largest(new Float32Array(2), 0, 3)).toThrow('largest: end must be');
    expect(() => addon().largest(new Float32Array(2), 2, 1)).toThrow('largest: end must be');
  });
});

/** a^T b, whose operands are smaller than it is, and the sum of a. */
function plan(dtype: 'float32' | 'float64' = 'float32') {
  const a = input('a', [8, 96], dtype);
  const b = input('b', [8, 700], dtype);
  return compileGraph({ inputs: [a, b], outputs: [matmul(transpose(a), b), sum(a)] }, nativeKernels).plan;
}

describe('run', () => {
  const Values = { float32: Float32Array, float64: Float64Array };
  it.each(['float32', 'float64'] as const)(
    'measures results as they are made, or at the end, in %s',
    (dtype) => {
      const made = plan(dtype);
      const product = made.steps.findIndex(({ kernel }) => kernel === 'call');
      const results = [product, 2, 0, 96 * 700];
      const other = [1 - product, 3, 0, 1];
      const inOrder = product === 0 ? [...results, ...other] : [...other, ...results];
      const atEnd = [made.steps.length, 2, 0, 96 * 700, made.steps.length, 3, 0, 1];
      for (const measured of [inOrder, atEnd]) {
        const handle = addon().createPlan(encodePlan(made), undefined, Int32Array.from(measured));
        const run = (change: (a: Float32Array | Float64Array, b: Float32Array | Float64Array) => void) => {
          const [a, b] = [new Values[dtype](8 * 96).fill(0.5), new Values[dtype](8 * 700).fill(0.25)];
          change(a, b);
          const outputs = [new Values[dtype](96 * 700), new Values[dtype](1)];
          return addon().run(handle, [a, b, ...outputs], new Uint32Array(4));
        };
        const most = run(() => {});
        expect(most).toBeGreaterThanOrEqual(384);
        expect(most).toBeLessThan(1e4);
        for (const bad of [nan, infinity, -infinity]) {
          expect(run((a) => a.fill(bad, 5, 6))).toBe(infinity);
          expect(run((_, b) => b.fill(bad, 4321, 4322))).toBe(infinity);
        }
        // The operands are finite, and the product is not.
        const huge = dtype === 'float32' ? 3e38 : 1e308;
        expect(run((a, b) => [a.fill(huge, 0, 1), b.fill(huge, 0, 1)])).toBe(infinity);
        // The bound is not, and the product is.
        expect(run((a, b) => [a.fill(huge, 0, 1), b.fill(0, 0, 700), b.fill(huge, 700, 701)])).toBeLessThan(
          infinity,
        );
      }
    },
  );

  it('refuses results that the plan does not have', () => {
    const create = (results: number[]) =>
      addon().createPlan(encodePlan(plan()), undefined, Int32Array.from(results));
    for (const wrong of [
      [3, 2, 0, 1],
      [0, 4, 0, 1],
      [0, 2, 2, 1],
      [0, 3, 0, 2],
      [0, 2, 0],
      [1, 2, 0, 1, 0, 3, 0, 1],
    ]) {
      expect(() => create(wrong)).toThrow(
        'createPlan: results must be steps in order with elements of floating bindings',
      );
    }
    create([2, 2, 0, 1]);
  });
});

describe('runTogether', () => {
  it('bounds the sums', () => {
    const made = plan();
    const count = 2;
    const handles = Array.from({ length: count }, () => addon().createPlan(encodePlan(made)));
    const results = Int32Array.from(
      made.steps.flatMap(({ kernel }, step) =>
        kernel === 'call' ? [step, 2, 0, 96 * 700] : [step, 3, 0, 1],
      ),
    );
    const run = (change: (a: Float32Array) => void) => {
      const bindings = handles.map(() => [
        new Float32Array(8 * 96).fill(0.5),
        new Float32Array(8 * 700).fill(0.25),
        new Float32Array(96 * 700),
        new Float32Array(1),
      ]);
      change(bindings[1]?.[0] as Float32Array);
      const add = addon().constants.sums.add;
      return addon().runTogether(handles, bindings, new Uint32Array(8), Int32Array.of(0, 1, add), results);
    };
    expect(run(() => {})).toBeGreaterThanOrEqual(768);
    for (const bad of [nan, infinity]) expect(run((a) => a.fill(bad, 100, 101))).toBe(infinity);
  });
});
