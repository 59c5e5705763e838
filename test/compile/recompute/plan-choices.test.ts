import { grad, nn } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { PlanChoices } from '#lib/compile/plan-choices.js';
import { input } from '#lib/graph/leaf.js';
import { traced } from '#lib/graph/trace.js';
import { bind } from '#lib/runtime/bind.js';
import { Executable } from '#lib/runtime/executable.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';

/** The loss of a deep network with dropout and batch norm, and its gradients. */
function graph() {
  const layers = Array.from({ length: 12 }, () => [
    new nn.Linear(32, 32),
    new nn.BatchNorm1d(32),
    new nn.ReLU(),
    new nn.Dropout(0.2),
  ]);
  const model = new nn.Sequential(...layers.flat(), new nn.Linear(32, 4)).init(3);
  const [x, y] = [input('x', [64, 32], 'float32'), input('y', [64], 'int32')];
  const { result, trace } = traced(() => nn.crossEntropy(model.forward(x), y));
  const outputs = [result, ...grad(result, model.parameters()), ...trace.assignments.values()];
  return { inputs: [x, y], outputs };
}

const values = [
  Float32Array.from({ length: 64 * 32 }, (_, i) => Math.sin(i * 1.7)),
  Int32Array.from({ length: 64 }, (_, i) => i % 4),
];

describe('the plans of a graph', () => {
  const traced = graph();
  const plans = new PlanChoices(traced, nativeKernels);
  const run = (compiled: PlanChoices['quickest']) => {
    const { bindings, produced } = bind(compiled, values, traced.outputs);
    const executable = new Executable(compiled.plan);
    executable.run(bindings, { seed: 5, step: 7 });
    executable.release();
    return traced.outputs.map((output) =>
      Buffer.from(produced.get(output)?.buffer as ArrayBuffer).toString('hex'),
    );
  };
  const most = plans.quickest.plan.arenaBytes;

  it('fit their limits and give the same bits', () => {
    const expected = run(plans.quickest);
    for (const share of [0.8, 0.6, 0.4, 0.3]) {
      const compiled = plans.within(share * most);
      if (!compiled) throw new Error(`there is no plan within ${share}`);
      expect(compiled.plan.arenaBytes).toBeLessThanOrEqual(share * most);
      expect(compiled.plan.recomputedFlops).toBeGreaterThan(0);
      expect(run(compiled)).toEqual(expected);
    }
  });

  it('need more work the less memory there is, and never more memory for less', () => {
    const curve = plans.curve(10);
    for (const [i, point] of curve.slice(1).entries()) {
      expect(point.arenaBytes).toBeLessThanOrEqual(curve[i]?.arenaBytes as number);
    }
    expect(curve[0]).toMatchObject({ arenaBytes: most, recomputedFlops: 0 });
    expect(curve.at(-1)?.arenaBytes).toBeLessThan(0.4 * most);
  });

  it('end with the smallest', () => {
    const least = plans.smallest.plan.arenaBytes;
    expect(plans.within(least)?.plan.arenaBytes).toBe(least);
    expect(plans.within(least - 1)).toBeUndefined();
  });
});

describe('plans of a graph that was traced before', () => {
  it('are found again, and are the same', () => {
    const [first, second] = [
      new PlanChoices(graph(), nativeKernels),
      new PlanChoices(graph(), nativeKernels),
    ];
    const limit = first.quickest.plan.arenaBytes / 2;
    expect(second.within(limit)?.plan).toEqual(first.within(limit)?.plan);
  });
});
