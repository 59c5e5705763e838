import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largestLiveBytes } from '#lib/compile/arena/lay-out.js';
import { layOutPlan, lowerGraph } from '#lib/compile/compile.js';
import { actionsOf } from '#lib/compile/recompute/actions.js';
import { searchChoices } from '#lib/compile/recompute/choices.js';
import { profileMemory } from '#lib/compile/recompute/memory-profile.js';
import { stepsOf, withoutIdle } from '#lib/compile/recompute/sequence.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';
import { bitsOf } from '../../helpers/random-graph/plan-bits.js';
import { buildGraph, recipes } from '../../helpers/random-graph/random-graph.js';

const options = {
  numRuns: Number(process.env.CHAINRULE_RUNS ?? 300),
  seed: Number(process.env.CHAINRULE_SEED ?? 11),
};

/** Position in a sequence at which an action runs again, and which action, each as a share of their number. */
const repetitions = fc.array(
  fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
  {
    maxLength: 12,
  },
);

describe('random graphs of which actions run again at random', () => {
  it('have the same bits, in an arena that is as large as was said', () => {
    fc.assert(
      fc.property(recipes, repetitions, (recipe, again) => {
        const graph = buildGraph(recipe, 'float32');
        const lowered = lowerGraph(graph, nativeKernels);
        const actions = actionsOf(lowered.steps);
        const count = actions.steps.length;
        const sequence = actions.steps.map((_, action) => action);
        for (const [where, which] of again) {
          const place = Math.floor(where * sequence.length);
          const ran = [...new Set(sequence.slice(0, place))];
          if (count > 0 && ran.length > 0) {
            sequence.splice(
              place,
              0,
              ran[Math.min(ran.length - 1, Math.floor(which * ran.length))] as number,
            );
          }
        }
        const kept = withoutIdle(sequence, actions);
        const steps = stepsOf(kept, actions);
        const { plan, variables } = layOutPlan({ ...lowered, steps });
        const { peak } = profileMemory(kept, actions);
        expect(peak).toBe(largestLiveBytes(steps));
        expect(plan.arenaBytes).toBeGreaterThanOrEqual(peak);
        const values = variables.map(({ storage }) => storage.data);
        expect(bitsOf(plan, graph, values)).toEqual(bitsOf(layOutPlan(lowered).plan, graph, values));
      }),
      options,
    );
  });

  it('have the same bits in every choice that is found', () => {
    fc.assert(
      fc.property(recipes, (recipe) => {
        const graph = buildGraph(recipe, 'float32');
        const lowered = lowerGraph(graph, nativeKernels);
        const actions = actionsOf(lowered.steps);
        const choices = searchChoices(actions);
        const plain = layOutPlan(lowered);
        const values = plain.variables.map(({ storage }) => storage.data);
        const expected = bitsOf(plain.plan, graph, values);
        for (const { sequence, peak } of choices) {
          const { plan } = layOutPlan({ ...lowered, steps: stepsOf(sequence, actions) });
          expect(plan.arenaBytes).toBeGreaterThanOrEqual(peak);
          expect(bitsOf(plan, graph, values)).toEqual(expected);
        }
      }),
      { ...options, numRuns: options.numRuns / 3 },
    );
  });
});
