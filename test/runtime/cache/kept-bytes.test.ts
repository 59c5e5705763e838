import { sort } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { input } from '#lib/graph/leaf.js';
import { kernelBytes } from '#lib/runtime/cache/kept-bytes.js';
import { planOf } from '../../helpers/graphs.js';

describe('the memory of kernels outside of the arena', () => {
  const x = input('x', [2 ** 20]);

  it('grows with the programs of a plan, not with the data', () => {
    const [small, large] = [10, 2 ** 20].map((size) =>
      kernelBytes(planOf({ inputs: [], outputs: [input('y', [size]).exp()] })),
    );
    expect(large).toBeLessThan(2 * (small as number));
  });

  it('holds no items of a sort, which are in the arena', () => {
    const plan = planOf({ inputs: [x], outputs: [sort(x)] });
    expect(plan.arenaBytes).toBeGreaterThan(8 * 2 ** 20);
    expect(kernelBytes(plan)).toBeLessThan(2 ** 20);
  });
});
