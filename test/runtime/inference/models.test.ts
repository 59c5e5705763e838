import { compile, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { randomValues } from '#lib/bench/random-data.js';
import { scenarios } from '#lib/bench/scenarios/index.js';

/** The largest error of a result, in rounding errors of the largest one: one for each layer. */
const ROUNDS = 20;

describe('models of the bench answer', () => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s as an ordinary function does',
    async (_, { model: make, inputs }) => {
      const model = make().init(1);
      const batch = (rows: number) =>
        tensor(randomValues(inputs, rows), { shape: [rows, ...inputs.shape], dtype: inputs.dtype });
      const fn = (x: Tensor) => model.forward(x);
      // Statistics of something.
      if (model.namedBuffers().length > 0) for (let i = 0; i < 2; i++) await compile(fn)(batch(4));
      model.eval();
      const [ordinary, inference] = [compile(fn), compile(fn, { inference: true })];
      for (const rows of [1, 3]) {
        const x = batch(rows);
        const expected = await (await ordinary(x)).data();
        const found = await (await inference(x)).data();
        const largest = Math.max(...expected.map(Math.abs));
        const away = Math.max(...found.map((value, i) => Math.abs(value - (expected[i] as number))));
        expect(away).toBeLessThan(ROUNDS * 2 ** -23 * largest);
      }
    },
  );
});
