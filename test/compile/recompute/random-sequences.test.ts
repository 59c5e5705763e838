import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largestLiveBytes } from '#lib/compile/arena/lay-out.js';
import { layOutPlan, lowerGraph } from '#lib/compile/compile.js';
import type { Plan } from '#lib/compile/plan/plan.js';
import { actionsOf } from '#lib/compile/recompute/actions.js';
import { searchChoices } from '#lib/compile/recompute/choices.js';
import { profileMemory } from '#lib/compile/recompute/memory-profile.js';
import { stepsOf, withoutIdle } from '#lib/compile/recompute/sequence.js';
import { allocate, type TypedArray } from '#lib/graph/dtype.js';
import { sizeOf } from '#lib/graph/shapes.js';
import { Executable } from '#lib/runtime/executable.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';
import {
  buildGraph,
  leafValues,
  type RandomGraph,
  recipes,
} from '../../helpers/random-graph/random-graph.js';

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

/** The outputs and the variables after a run, in an arena that holds something else before. */
function bitsOf(plan: Plan, graph: RandomGraph, variables: readonly TypedArray[]): TypedArray[] {
  const own = variables.map((values) => values.slice());
  const given = { input: inputsOf(graph).values(), variable: own.values() };
  const outputs: TypedArray[] = [];
  const bindings = plan.bindings.map(({ kind, dtype, shape, data }) => {
    if (kind === 'constant') return data as TypedArray;
    if (kind !== 'output') return given[kind].next().value as TypedArray;
    const memory = allocate(dtype, sizeOf(shape)).fill(99) as TypedArray;
    outputs.push(memory);
    return memory;
  });
  const executable = new Executable(plan);
  executable.run(bindings, { seed: 3, step: 5 });
  executable.release();
  return [...outputs, ...own];
}

function inputsOf({ inputs }: RandomGraph): TypedArray[] {
  return inputs.map(({ shape, dtype }, n) => {
    if (n === 2) return Int32Array.of(1, 2);
    const data = allocate(dtype, sizeOf(shape));
    data.set(leafValues(data.length, n + 20));
    return data;
  });
}

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
