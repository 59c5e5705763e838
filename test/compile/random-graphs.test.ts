import type { Tensor } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGraph } from '#lib/compile/compile.js';
import { operandsOf } from '#lib/compile/plan/operands.js';
import type { Operand, Plan } from '#lib/compile/plan/plan.js';
import { allocate, bytesPerElement, type TypedArray } from '#lib/graph/dtype.js';
import { sizeOf } from '#lib/graph/shapes.js';
import { Executable } from '#lib/runtime/executable.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';
import { LONG } from '../helpers/long.js';
import { interpret, referenceKinds } from '../helpers/naive/reference.js';
import {
  buildGraph,
  type Float,
  leafValues,
  type RandomGraph,
  type Recipe,
  recipes,
} from '../helpers/random-graph/random-graph.js';

// Each run of the tests takes the same graphs; CHAINRULE_SEED and CHAINRULE_RUNS look at others.
const WHOLE = 400;
const numRuns = Number(process.env.CHAINRULE_RUNS ?? (LONG ? WHOLE : 150));
const seed = Number(process.env.CHAINRULE_SEED ?? 7);
const options = { numRuns, seed };

const tolerance = { float32: 1e-4, float64: 1e-9 };
const indices = Int32Array.of(1, 2);

const inputValues = ({ inputs }: RandomGraph, dtype: Float): TypedArray[] =>
  inputs.map(({ shape }, n) => {
    if (n === 2) return indices;
    const data = allocate(dtype, sizeOf(shape));
    data.set(leafValues(data.length, n + 20));
    return data;
  });

/** Runs a plan once on the thread of the test; gives the outputs, and leaves the variables changed. */
function runPlan(
  plan: Plan,
  executable: Executable,
  values: readonly TypedArray[],
  variables: readonly TypedArray[],
): TypedArray[] {
  const given = { input: values.values(), variable: variables.values() };
  const outputs: TypedArray[] = [];
  const bindings = plan.bindings.map(({ kind, dtype, shape, data }) => {
    if (kind === 'constant') return data as TypedArray;
    if (kind !== 'output') return given[kind].next().value as TypedArray;
    const memory = allocate(dtype, sizeOf(shape));
    // A step that writes nothing must not pass for one that writes zeros.
    memory.fill(99);
    outputs.push(memory);
    return memory;
  });
  executable.run(bindings, { seed: 0, step: 0 });
  return outputs;
}

function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  limit: number,
  what: string,
): void {
  expect(actual.length, what).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [got, want] = [actual[i] as number, expected[i] as number];
    const fits = Object.is(got, want) || Math.abs(got - want) <= limit * Math.max(1, Math.abs(want));
    if (!fits) throw new Error(`${what}, element ${i}: got ${got}, the reference says ${want}`);
  }
}

function checkValues(recipe: Recipe, dtype: Float): void {
  const graph = buildGraph(recipe, dtype);
  const { plan, variables } = compileGraph(graph, nativeKernels);
  const executable = new Executable(plan);
  const values = inputValues(graph, dtype);
  const assigned = [...graph.assignments];
  // The second run starts from what the first one left in the arena and in the variables.
  for (const run of dtype === 'float64' ? [1, 2] : [1]) {
    const given = new Map<Tensor, TypedArray>([
      ...graph.inputs.map((node, i) => [node, values[i] as TypedArray] as const),
      ...graph.variables.map((variable) => [variable, variable.storage.data.slice()] as const),
    ]);
    const expected = interpret([...graph.outputs, ...graph.assignments.values()], given);
    const outputs = runPlan(
      plan,
      executable,
      values,
      variables.map(({ storage }) => storage.data),
    );
    graph.outputs.forEach((node, i) => {
      expectClose(
        outputs[i] as TypedArray,
        expected[i]?.data ?? [],
        tolerance[dtype],
        `run ${run}, output ${i}, ${node}`,
      );
    });
    graph.variables.forEach((variable, i) => {
      const at = assigned.findIndex(([target]) => target === variable);
      const wanted = at < 0 ? given.get(variable) : expected[graph.outputs.length + at]?.data;
      expectClose(variable.storage.data, wanted ?? [], tolerance[dtype], `run ${run}, variable ${i}`);
    });
  }
  executable.release();
}

/** The first and the last byte (not included) that an operand touches. */
function bytesOf({ offset, dtype, shape, strides }: Operand): [number, number] {
  const reach = shape.map((d, axis) => (d - 1) * (strides[axis] as number));
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0) * bytesPerElement(dtype);
  return [
    offset + sum(reach.filter((r) => r < 0)),
    offset + sum(reach.filter((r) => r > 0)) + bytesPerElement(dtype),
  ];
}

function checkMemory(plan: Plan): void {
  plan.steps.forEach((step, index) => {
    const live = plan.blocks.filter(({ first, last }) => first <= index && index <= last);
    const byOffset = live.filter(({ bytes }) => bytes > 0).sort((a, b) => a.offset - b.offset);
    byOffset.slice(1).forEach((block, i) => {
      const before = byOffset[i] as (typeof byOffset)[number];
      expect(before.offset + before.bytes).toBeLessThanOrEqual(block.offset);
    });
    expect(plan.arenaBytes).toBeGreaterThanOrEqual(live.reduce((sum, { bytes }) => sum + bytes, 0));
    const { reads, writes } = operandsOf(step);
    for (const operand of [...reads, ...writes]) {
      if (operand.shape.includes(0)) continue;
      const [low, high] = bytesOf(operand);
      const homes =
        operand.buffer === 0 ? live : [{ offset: 0, bytes: plan.bindings[operand.buffer - 1]?.bytes ?? 0 }];
      expect(homes.some((home) => home.offset <= low && high <= home.offset + home.bytes)).toBe(true);
    }
    for (const { buffer } of writes) {
      expect(['variable', 'output', undefined]).toContain(plan.bindings[buffer - 1]?.kind);
    }
  });
}

describe('random graphs', () => {
  it('give what a naive interpreter gives, in float64', () => {
    fc.assert(
      fc.property(recipes, (recipe) => checkValues(recipe, 'float64')),
      options,
    );
  });

  it('give what a naive interpreter gives, in float32', () => {
    fc.assert(
      fc.property(recipes, (recipe) => checkValues(recipe, 'float32')),
      options,
    );
  });

  it('have plans whose live blocks do not overlap and hold every operand', () => {
    fc.assert(
      fc.property(recipes, (recipe) =>
        checkMemory(compileGraph(buildGraph(recipe, 'float64'), nativeKernels).plan),
      ),
      options,
    );
  });

  it('give equal plans when they are built again', () => {
    fc.assert(
      fc.property(recipes, (recipe) => {
        const [first, second] = [0, 1].map(
          () => compileGraph(buildGraph(recipe, 'float32'), nativeKernels).plan,
        );
        expect(first).toEqual(second);
      }),
      { ...options, numRuns: Math.ceil(numRuns / 2) },
    );
  });

  it('have plans that survive structuredClone', () => {
    fc.assert(
      fc.property(recipes, (recipe) => {
        const graph = buildGraph(recipe, 'float32');
        const { plan, variables } = compileGraph(graph, nativeKernels);
        const copy = structuredClone(plan);
        expect(copy).toEqual(plan);
        const values = inputValues(graph, 'float32');
        const run = (one: Plan) =>
          runPlan(
            one,
            new Executable(one),
            values,
            variables.map(({ storage }) => storage.data.slice()),
          );
        expect(run(copy)).toEqual(run(plan));
      }),
      { ...options, numRuns: Math.ceil(numRuns / 4) },
    );
  });

  it('come upon every op', () => {
    const kinds = new Set<string>();
    // They are only built here, so that the whole proof is looked through even where a sample of it runs.
    for (const recipe of fc.sample(recipes, { ...options, numRuns: Math.max(WHOLE, numRuns) })) {
      const graph = buildGraph(recipe, 'float64');
      const walk = [...graph.outputs, ...graph.assignments.values()];
      for (let node = walk.pop(); node; node = walk.pop()) {
        if (kinds.has(`#${node.id}`)) continue;
        kinds.add(`#${node.id}`).add(node.op.kind);
        walk.push(...node.inputs);
      }
    }
    expect(referenceKinds.filter((kind) => !kinds.has(kind))).toEqual([]);
  });
});
