import { type Tensor, tensor } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pushForward } from '#lib/autodiff/jvp.js';
import { gradientsOrZeros } from '#lib/autodiff/vjp.js';
import { allocate } from '#lib/graph/dtype.js';
import { sizeOf } from '#lib/graph/shapes.js';
import { GraphRun } from '#lib/runtime/graph-run.js';
import { hashUniform } from '../helpers/random-graph/random.js';
import { buildGraph, leafValues, recipes } from '../helpers/random-graph/random-graph.js';

const numRuns = Number(process.env.CHAINRULE_RUNS ?? 60);
const seed = Number(process.env.CHAINRULE_SEED ?? 11);

const randomLike = ({ shape, size }: Tensor, at: number): Tensor =>
  tensor(Float64Array.from(hashUniform(size, at, -1, 1)), { shape });
const dot = (a: readonly Tensor[], b: readonly Tensor[]): Tensor =>
  a.map((x, i) => x.mul(b[i] as Tensor).sum()).reduce((sum, x) => sum.add(x));

describe('random graphs', () => {
  it('have products with the Jacobian and with its transpose that agree: <u, J v> = <J^T u, v>', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(recipes, async (recipe) => {
        const { inputs, variables, outputs } = buildGraph(recipe, 'float64');
        const floats = outputs.filter(({ dtype }) => dtype === 'float64');
        if (floats.length === 0) return;
        const leaves = [...variables, ...inputs.filter(({ dtype }) => dtype === 'float64')];
        const vectors = leaves.map((x, i) => randomLike(x, 100 + i));
        const covectors = floats.map((x, i) => randomLike(x, 200 + i));
        const forward = floats.map((output) => pushForward(output, leaves, vectors));
        const backward = gradientsOrZeros(floats, covectors, leaves);
        const run = new GraphRun(inputs, [dot(covectors, forward), dot(backward, vectors)]);
        const values = inputs.map(({ shape, dtype }, n) => {
          if (dtype === 'int32') return Int32Array.of(1, 2);
          const data = allocate(dtype, sizeOf(shape));
          data.set(leafValues(data.length, n + 20));
          return data;
        });
        const [a, b] = (await run.run(values)).map(([value]) => value as number) as [number, number];
        run.release();
        expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-10 * Math.max(1, Math.abs(a), Math.abs(b)));
        if (a !== 0) compared++;
      }),
      { numRuns, seed },
    );
    // Most graphs must have something to compare.
    expect(compared).toBeGreaterThan(numRuns / 3);
  });
});
