import { exp, sum, transpose } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { compileGraph } from '#lib/compile/compile.js';
import { input } from '#lib/graph/leaf.js';
import { matmul } from '#lib/ops/primitives/matmul.js';
import { addon } from '#lib/runtime/addon.js';
import { encodePlan } from '#lib/runtime/encode.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';

const ADD = -1;
const [rows, inner, columns] = [96, 32, 700];

/** a^T b, and the sum of a, over a number of runs. */
function runs(count: number) {
  const a = input('a', [inner, rows], 'float32');
  const b = input('b', [inner, columns], 'float32');
  const { plan } = compileGraph(
    { inputs: [a, b], outputs: [matmul(transpose(a), b), sum(a)] },
    nativeKernels,
  );
  const handles = Array.from({ length: count }, () => addon().createPlan(encodePlan(plan)));
  const random = (length: number, seed: number) =>
    Float32Array.from({ length }, (_, i) => Math.sin(seed + i * 12.9898));
  const bindings = handles.map((_, i) => [
    random(inner * rows, i),
    random(inner * columns, i + 0.5),
    new Float32Array(rows * columns),
    new Float32Array(1),
  ]);
  const results = plan.steps
    .map((_, step) => step)
    .flatMap((step) => {
      const product = plan.steps[step]?.kernel === 'call';
      return [step, product ? 2 : 3, 0, product ? rows * columns : 1];
    });
  return { handles, bindings, results: Int32Array.from(results), contexts: new Uint32Array(4 * count) };
}

describe('runTogether', () => {
  it.each<[string, number[]]>([
    ['of one', [0]],
    ['of two', [0, 1, ADD]],
    ['of a tree', [0, 1, ADD, 2, 3, ADD, ADD]],
    ['of a tree with one left over', [0, 1, ADD, 2, 3, ADD, ADD, 4, ADD]],
    ['from the right', [0, 1, 2, 3, ADD, ADD, ADD]],
  ])('gives the sums of single runs to the bit: %s', (_, words) => {
    const program = Int32Array.from(words);
    const count = words.filter((word) => word !== ADD).length;
    const single = runs(count);
    const context = new Uint32Array(4);
    single.handles.forEach((handle, i) => {
      addon().run(handle, single.bindings[i] as Float32Array[], context);
    });
    const expected = [2, 3].map((binding) => {
      const sources = single.bindings.map((own) => own[binding] as Float32Array);
      const sum = new Float32Array((sources[0] as Float32Array).length);
      addon().combine(sum, sources, program, Float64Array.of(0, sum.length));
      return sum;
    });
    const { handles, bindings, results, contexts } = runs(count);
    addon().runTogether(handles, bindings, contexts, program, results);
    expect(bindings[0]?.slice(2)).toEqual(expected);
  });

  it('refuses what does not fit', () => {
    const { handles, bindings, results, contexts } = runs(2);
    const program = Int32Array.of(0, 1, ADD);
    const call = (changes: object) => {
      const given = { handles, bindings, contexts, program, results, ...changes };
      addon().runTogether(given.handles, given.bindings, given.contexts, given.program, given.results);
    };
    expect(() => call({ handles: [] })).toThrow('handles.length must be 1 to 64, got 0');
    expect(() => call({ handles: [handles[0], handles[0]] })).toThrow('plan: is already running');
    expect(() => call({ handles: [handles[0], {}] })).toThrow('handles[1] must be made by createPlan');
    expect(() => call({ bindings: [bindings[0]] })).toThrow('bindings must be an array for each handle');
    expect(() => call({ contexts: new Uint32Array(4) })).toThrow('contexts must be Uint32Array');
    expect(() => call({ program: Int32Array.of(0, 1) })).toThrow(
      'program must be a sum of the runs in postfix',
    );
    expect(() => call({ results: Int32Array.of(0, 2, 0) })).toThrow('results must be steps in order');
    expect(() => call({ results: Int32Array.of(9, 2, 0, 1) })).toThrow('results must be steps in order');
    expect(() => call({ results: Int32Array.of(0, 3, 0, 2) })).toThrow('results must be steps in order');
    expect(() => call({ results: Int32Array.of(0, -1, 0, 1) })).toThrow('results must be steps in order');
    call({});
  });

  it('must not be given another plan', () => {
    const one = runs(1);
    const a = input('a', [3], 'float32');
    const other = addon().createPlan(
      encodePlan(compileGraph({ inputs: [a], outputs: [exp(a)] }, nativeKernels).plan),
    );
    expect(() =>
      addon().runTogether(
        [...one.handles, other],
        [...one.bindings, [new Float32Array(3), new Float32Array(3)]],
        new Uint32Array(8),
        Int32Array.of(0, 1, ADD),
        one.results,
      ),
    ).toThrow('handles[1] must be of the same plan as the first');
  });
});
