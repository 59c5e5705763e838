import { describe, expect, it } from 'vitest';
import { scenarios } from '#lib/bench/scenarios/index.js';
import { sum } from '#lib/bench/statistics.js';

interface NodeModel {
  apply(library: unknown, x: object): object;
}

const module = new URL('../../bench/peers/models.mjs', import.meta.url).href;
const { models, initialValues, randomBatch } = (await import(module)) as {
  models: Readonly<Record<string, NodeModel>>;
  initialValues(size: number, fanIn: number | 'ones' | 'zeros'): Float32Array;
  randomBatch(values: object, batch: number): Float32Array | Int32Array;
};

/** A library whose operations do nothing; it counts the elements of the parameters. */
function counter() {
  const sizes: number[] = [];
  const own = {
    parameter: (shape: readonly number[]) => {
      sizes.push(shape.reduce((a, b) => a * b, 1));
      return {};
    },
    kernel: (size: number, inputs: number, outputs: number) => [size, size, inputs, outputs],
    twice: (x: object) => [x, x],
    split: (x: object) => [x, x, x],
  };
  const library = new Proxy(own, { get: (target, name) => Reflect.get(target, name) ?? ((x: object) => x) });
  return { library, sizes };
}

describe('the models of the peers in Node.js', () => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s has our parameters',
    (name, { model }) => {
      const { library, sizes } = counter();
      models[name]?.apply(library, {});
      expect(sum(sizes)).toBe(
        sum(
          model()
            .parameters()
            .map(({ size }) => size),
        ),
      );
    },
  );

  it('says if a library has no loops', () => {
    const { library } = counter();
    const without = new Proxy(library, {
      get: (target, name) => (name === 'lstm' ? undefined : Reflect.get(target, name)),
    });
    expect(() => models.lstm?.apply(without, {})).toThrow('it has no loop that can be differentiated');
  });

  it('start with uniform values within the bound of their fan-in, ones or zeros', () => {
    const values = Array.from(initialValues(1000, 16));
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(0.25);
    expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(0.4);
    expect([...initialValues(2, 'ones'), ...initialValues(2, 'zeros')]).toEqual([1, 1, 0, 0]);
  });

  it('get inputs of their dtype, below the number of classes', () => {
    expect(randomBatch({ dtype: 'float32', shape: [2, 3] }, 4)).toHaveLength(24);
    const classes = randomBatch({ dtype: 'int32', shape: [], below: 3 }, 100);
    expect(classes).toBeInstanceOf(Int32Array);
    expect(new Set(classes)).toEqual(new Set([0, 1, 2]));
  });
});
