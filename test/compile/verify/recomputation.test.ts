import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layOutPlan, lowerGraph } from '#lib/compile/compile.js';
import type { Step } from '#lib/compile/plan/plan.js';
import type { Value } from '#lib/compile/plan/values.js';
import { type Actions, actionsOf } from '#lib/compile/recompute/actions.js';
import { stepsOf } from '#lib/compile/recompute/sequence.js';
import { verifyRecomputation } from '#lib/compile/verify/recomputation.js';
import { input } from '#lib/graph/leaf.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';
import { variable } from '../../helpers/graphs.js';
import { bitsOf } from '../../helpers/random-graph/plan-bits.js';
import { buildGraph, recipes } from '../../helpers/random-graph/random-graph.js';

const x = input('x', [4, 4]);

/** Products in a chain, of which the second reads the variable that the last one is assigned to. */
function chain(): readonly Step<Value>[] {
  const w = variable([4, 4]);
  const first = x.matmul(x);
  const second = first.matmul(w);
  const last = second.matmul(x).matmul(first).matmul(second);
  return lowerGraph({ inputs: [x], outputs: [last], assignments: new Map([[w, last]]) }, nativeKernels).steps;
}

/** The steps of an order, and what they were made of. */
function rerun(actions: Actions, sequence: readonly number[]) {
  return {
    steps: stepsOf(sequence, actions),
    sources: sequence.flatMap((action) => actions.steps[action] ?? []),
  };
}

describe('the check of recomputation', () => {
  const original = chain();
  const actions = actionsOf(original);
  const order = [...actions.steps.keys()];
  const check = (sequence: readonly number[], change: (run: ReturnType<typeof rerun>) => void = () => {}) => {
    const run = rerun(actions, sequence);
    change(run);
    verifyRecomputation(original, run.steps, run.sources);
  };

  it('takes the steps as they are, and values that are computed again', () => {
    check(order);
    check([0, 1, 2, 0, 3, 0, 1, ...order.slice(4)]);
  });

  it.each<[string, readonly number[], RegExp]>([
    [
      'swapped steps',
      [1, 0, ...order.slice(2)],
      /step 0 .* reads what no step has written where step 1 .*step 0/,
    ],
    ['a step that is missing', order.slice(1), /reads what no step has written where .* wrote/],
    ['a missing end', order.slice(0, 3), /binding \d ends with what no step has written/],
    [
      'a step that runs again after the variable that it reads was assigned',
      [...order, 0, 1],
      /step \d .* reads what step \d .* wrote where step 1 of the graph reads what no step has written/,
    ],
  ])('refuses %s', (_, sequence, message) => {
    expect(() => check(sequence)).toThrow(message);
  });

  it('refuses a recomputation that was dropped', () => {
    const drop = (run: ReturnType<typeof rerun>) => {
      const place = run.steps.findIndex(({ recomputed }) => recomputed);
      run.steps.splice(place, 1);
      run.sources.splice(place, 1);
    };
    expect(() => check([0, 1, 2, 0, ...order.slice(3)], drop)).toThrow(/reads what no step has written/);
  });

  it('refuses a step that is not in the graph, and one with the operands of another', () => {
    expect(() => verifyRecomputation([], original, original)).toThrow('is not in the graph');
    const view = input('y', [2, 2]);
    const other = lowerGraph({ inputs: [view], outputs: [view.matmul(view)] }, nativeKernels).steps;
    const change = ({ steps }: ReturnType<typeof rerun>) => steps.splice(0, 1, ...other);
    expect(() => check(order, change)).toThrow('has other operands than step 0');
  });

  it('takes only orders with the same bits', () => {
    const places = fc.array(fc.tuple(fc.nat(40), fc.nat(40)), { minLength: 1, maxLength: 4 });
    const seen = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(recipes, places, fc.boolean(), (recipe, moves, isSwap) => {
        const graph = buildGraph(recipe, 'float32');
        const lowered = lowerGraph(graph, nativeKernels);
        const own = actionsOf(lowered.steps);
        const sequence = [...own.steps.keys()];
        // Actions run again, or earlier, at places where that may be wrong.
        for (const [from, to] of moves) {
          const action = sequence[from % sequence.length];
          if (action === undefined) continue;
          if (isSwap) sequence.splice(from % sequence.length, 1);
          sequence.splice(to % (sequence.length + 1), 0, action);
        }
        const run = rerun(own, sequence);
        try {
          verifyRecomputation(lowered.steps, run.steps, run.sources);
          seen.taken++;
        } catch {
          seen.refused++;
          return;
        }
        const plain = layOutPlan(lowered);
        const values = plain.variables.map(({ storage }) => storage.data);
        const { plan } = layOutPlan({ ...lowered, steps: run.steps });
        expect(bitsOf(plan, graph, values)).toEqual(bitsOf(plain.plan, graph, values));
      }),
      { numRuns: 200, seed: 13 },
    );
    expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(20);
  });
});
