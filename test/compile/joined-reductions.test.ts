import { compile, type Shape, type Tensor, type TypedArray, tensor, where } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { input } from '#lib/graph/leaf.js';
import { kernelsOf, planOf } from '../helpers/graphs.js';

type Fn = (x: Tensor, y: Tensor) => Tensor;
type Code = 'sum' | 'max' | 'min';

const sources: readonly Fn[] = [
  (x) => x,
  (x, y) => x.mul(y),
  (x, y) => where(x.gt(y), x, y),
  (x) => x.square(),
  (x, y) => x.mul(y).exp(),
];

const recipe = fc.record({
  // Groups within a block, long rows, columns in one strip and in several.
  dims: fc.oneof(
    fc.tuple(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 2, max: 30 }),
      fc.integer({ min: 1, max: 9 }),
    ),
    fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 257, max: 2000 }),
      fc.integer({ min: 1, max: 20 }),
    ),
    fc.tuple(fc.constant(1), fc.integer({ min: 2, max: 9 }), fc.integer({ min: 1000, max: 1100 })),
  ),
  parts: fc.uniqueArray(fc.tuple(fc.nat(sources.length - 1), fc.constantFrom<Code>('sum', 'max', 'min')), {
    minLength: 2,
    maxLength: 4,
    selector: String,
  }),
  dtype: fc.constantFrom('float32' as const, 'float64' as const),
});

const options = {
  numRuns: Number(process.env.CHAINRULE_RUNS ?? 60),
  seed: Number(process.env.CHAINRULE_SEED ?? 7),
};

const noise = (size: number, seed: number) => Array.from({ length: size }, (_, i) => Math.sin(i * seed));

/** The results of a compiled function, one array each. */
async function run(fns: readonly Fn[], values: readonly Tensor[]): Promise<TypedArray[]> {
  const compiled = compile((x: Tensor, y: Tensor) => fns.map((fn) => fn(x, y)));
  const [x, y] = values as [Tensor, Tensor];
  const results = await compiled(x, y);
  const data = await Promise.all(results.map((result) => result.data()));
  compiled.release();
  return data;
}

describe('reductions in one step', () => {
  it('have the same bits as each in a step of its own', async () => {
    await fc.assert(
      fc.asyncProperty(recipe, async ({ dims, parts, dtype }) => {
        const shape: Shape = dims;
        const fns = parts.map(
          ([source, code]): Fn =>
            (x, y) =>
              (sources[source] as Fn)(x, y)[code](1),
        );
        const [x, y] = [input('x', shape, dtype), input('y', shape, dtype)];
        const plan = planOf({ inputs: [x, y], outputs: fns.map((fn) => fn(x, y)) });
        expect(kernelsOf(plan)).toHaveLength(1);
        const size = dims.reduce((a, b) => a * b, 1);
        const values = [20, 21].map((seed) => tensor(noise(size, seed), { dtype, shape }));
        const together = await run(fns, values);
        for (const [i, fn] of fns.entries()) {
          const [alone] = await run([fn], values);
          expect(together[i]).toEqual(alone);
        }
      }),
      options,
    );
  });
});
