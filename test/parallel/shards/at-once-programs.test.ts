import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Compiled, compileGraph } from '#lib/compile/compile.js';
import { at } from '#lib/graph/at.js';
import { allocate, type TypedArray } from '#lib/graph/dtype.js';
import { type InputAttributes, input } from '#lib/graph/leaf.js';
import { sizeOf } from '#lib/graph/shapes.js';
import type { Tensor } from '#lib/graph/tensor.js';
import { ShardsAtOnce } from '#lib/parallel/prepare/shards-at-once.js';
import { Executable } from '#lib/runtime/executable.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';
import { buildGraph, leafValues, type Recipe, recipes } from '../../helpers/random-graph/random-graph.js';

// Each run of the tests takes the same programs; CHAINRULE_SEED and CHAINRULE_RUNS look at others.
const numRuns = Number(process.env.CHAINRULE_RUNS ?? 200);
const seed = Number(process.env.CHAINRULE_SEED ?? 11);

const SHARDS = 3;
/** Those of the first input, by which random numbers are placed. */
const ROWS = 3;
/** With it, products of leaves are rounded. */
const SCALE = 0.7;

/** The outputs of a plan for some shards from the first one on; `n`-th inputs of integers are the same for all. */
function outputsOf({ plan, variables }: Compiled, first: number): string[] {
  const given = { input: 0, variable: 0 };
  const outputs: TypedArray[] = [];
  const bindings = plan.bindings.map(({ kind, dtype, shape, data }) => {
    if (kind === 'constant') return data as TypedArray;
    if (kind === 'variable') return at(variables, given.variable++).storage.data.slice();
    const memory = allocate(dtype, sizeOf(shape)).fill(99) as TypedArray;
    if (kind === 'output') {
      outputs.push(memory);
      return memory;
    }
    const n = given.input++;
    if (dtype === 'int32') return Int32Array.of(1, 2);
    const values = leafValues(first * memory.length + memory.length, n + 20).map((x) => x * SCALE);
    memory.set(values.slice(first * memory.length));
    return memory;
  });
  const executable = new Executable(plan);
  executable.run(bindings, { seed: 3, step: 5, sampleOffset: first * ROWS });
  executable.release();
  return outputs.map((values) => Buffer.from(values.slice().buffer).toString('hex'));
}

/** The outputs of all shards at once; undefined if they cannot be computed so. */
function atOnce(recipe: Recipe): string[] | undefined {
  const graph = buildGraph(recipe, 'float32', SCALE);
  const all = new ShardsAtOnce(SHARDS, ROWS);
  const inputs = graph.inputs.map((x): Tensor<InputAttributes> => {
    if (x.dtype !== 'float32') return x;
    const [rows = 1, ...rest] = x.shape;
    const many = input(x.attributes.name, [SHARDS * rows, ...rest], x.dtype);
    all.bind(x, many);
    return many;
  });
  if (!all.extend(graph.outputs)) return undefined;
  const outputs = graph.outputs.map((node) => all.each(node));
  return outputsOf(compileGraph({ inputs, outputs }, nativeKernels), 0);
}

it('random programs have the bits of each shard if all are computed at once', () => {
  let computed = 0;
  fc.assert(
    fc.property(recipes, (recipe) => {
      const found = atOnce(recipe);
      if (!found) return;
      computed++;
      const { inputs, outputs } = buildGraph(recipe, 'float32', SCALE);
      const compiled = compileGraph({ inputs, outputs }, nativeKernels);
      const each = Array.from({ length: SHARDS }, (_, shard) => outputsOf(compiled, shard));
      found.forEach((all, i) => {
        expect(all).toBe(each.map((own) => own[i]).join(''));
      });
    }),
    { numRuns, seed },
  );
  expect(computed).toBeGreaterThan(numRuns / 4);
});
