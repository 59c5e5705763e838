import { execFileSync } from 'node:child_process';
import * as cr from 'chainrule';
import { describe, expect, it } from 'vitest';
import { compileGraph } from '#lib/compile/compile.js';
import { addon } from '#lib/runtime/addon.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';
import { LONG } from '../../helpers/long.js';

describe("Winograd's convolutions", () => {
  const program = new URL('../../helpers/programs/instruction-sets/winograd-errors.mjs', import.meta.url)
    .pathname;

  const SHAPES = LONG ? 200 : 24;

  it.each(addon().isas())(`agree with direct sums in float64 on ${SHAPES} random shapes, by %s`, (isa) => {
    const env = { ...process.env, CHAINRULE_ISA: isa };
    const output = execFileSync(process.execPath, [program, String(SHAPES)], {
      env,
      encoding: 'utf8',
    });
    const report = JSON.parse(output) as { name: string; shapes: number; worst: number; at: string }[];
    expect(report).toHaveLength(3);
    for (const { name, shapes, worst, at } of report) {
      expect(shapes, name).toBeGreaterThan(0.75 * SHAPES);
      expect(worst, `${name} of ${at}`).toBeLessThan(5e-6);
    }
  });

  const steps = (image: cr.Shape, kernel: cr.Shape, options: object, dtype: 'float32' | 'float64') => {
    const [x, w] = [cr.ones(image, dtype), cr.ones(kernel, dtype)];
    const y = cr.conv2d(x, w, options);
    const { plan } = compileGraph({ inputs: [], outputs: [y, ...cr.grad(y.sum(), [x, w])] }, nativeKernels);
    const calls = plan.steps.filter((step) => step.kernel === 'call');
    return calls.map(({ name, method }) => `${name} ${method}`);
  };

  it('stand for all three kernels where channels are many', () => {
    expect(steps([2, 16, 16, 32], [3, 3, 32, 32], { padding: 1 }, 'float32').sort()).toEqual([
      'conv2d winograd',
      'conv2dInputGrad winograd',
      'conv2dWeightGrad winograd',
    ]);
  });

  it.each<[string, cr.Shape, cr.Shape, object, 'float32' | 'float64']>([
    ['float64', [2, 16, 16, 32], [3, 3, 32, 32], {}, 'float64'],
    ['a stride', [2, 16, 16, 32], [3, 3, 32, 32], { stride: [1, 2] }, 'float32'],
    ['a dilation', [2, 16, 16, 32], [3, 3, 32, 32], { dilation: 2 }, 'float32'],
    ['groups', [2, 16, 16, 64], [3, 3, 32, 64], { groups: 2 }, 'float32'],
    ['another kernel', [2, 16, 16, 32], [3, 5, 32, 32], {}, 'float32'],
    ['few channels', [2, 16, 16, 3], [3, 3, 3, 8], {}, 'float32'],
    ['results of one pixel', [2, 3, 3, 32], [3, 3, 32, 32], { padding: 0 }, 'float32'],
  ])('leave %s to direct sums', (name, image, kernel, options, dtype) => {
    const forward = steps(image, kernel, options, dtype).filter((step) => step.startsWith('conv2d '));
    expect(forward, name).toEqual(['conv2d direct']);
  });
});
