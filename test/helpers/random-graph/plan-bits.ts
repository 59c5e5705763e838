import type { Plan } from '#lib/compile/plan/plan.js';
import { allocate, type TypedArray } from '#lib/graph/dtype.js';
import { sizeOf } from '#lib/graph/shapes.js';
import { Executable } from '#lib/runtime/executable.js';
import { leafValues, type RandomGraph } from './random-graph.js';

/** The outputs and the variables after a run of a random graph's plan, in an arena that holds something else before. */
export function bitsOf(plan: Plan, graph: RandomGraph, variables: readonly TypedArray[]): TypedArray[] {
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
