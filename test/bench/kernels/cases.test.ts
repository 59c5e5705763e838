import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { by, floats } from '#lib/bench/kernels/cases/build.js';
import { casesOf, flopsOf } from '#lib/bench/kernels/cases/conv.js';
import { chooseKernels, families, kernelCases, kernelNamed } from '#lib/bench/kernels/cases/index.js';
import { fullName } from '#lib/bench/kernels/kernel-case.js';
import { compileCase } from '#lib/bench/kernels/prepare-kernel.js';
import { workOf } from '#lib/bench/kernels/result.js';
import { clockedSteps } from '#lib/runtime/executable.js';

const source = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

/** The names of all kernels, from the list that the addon's registry is made of. */
function registered(): string[] {
  const [, list = ''] =
    /#define CHAINRULE_KERNELS\(X\)((?:.*\\\n)*.*)/.exec(source('native/kernels/isa.h')) ?? [];
  return [...list.matchAll(/X\("(\w+)"/g)].map(([, name]) => name as string);
}

describe('the cases of bench kernels', () => {
  it('have names of their own', () => {
    const names = kernelCases.map(fullName);
    expect(new Set(names).size).toBe(names.length);
    for (const kernel of kernelCases) expect(kernelNamed(fullName(kernel))).toBe(kernel);
    expect(families.every((family) => /^[\w-]+$/.test(family))).toBe(true);
    expect(chooseKernels(['pool']).every(({ family }) => family === 'pool')).toBe(true);
    expect(chooseKernels([])).toHaveLength(kernelCases.length);
  });

  it('compile, and run every kernel that there is', () => {
    const run = new Set(
      kernelCases.flatMap((kernel) =>
        clockedSteps(compileCase(kernel).compiled.plan).map((step) =>
          step.kernel === 'call' ? step.name : step.kernel,
        ),
      ),
    );
    const kernels = registered();
    expect(kernels).toContain('matmul');
    expect([...run].sort()).toEqual([...kernels, 'scan'].sort());
  });

  it.each([
    ['conv2d', 'conv2d'],
    ['conv2d-input-gradient', 'conv2dInputGrad'],
    ['conv2d-weight-gradient', 'conv2dWeightGrad'],
    ['matmul', 'matmul'],
    ['batched-matmul', 'matmul'],
  ])('of %s are that kernel alone', (family, name) => {
    for (const kernel of chooseKernels([family])) {
      const { steps } = compileCase(kernel).compiled.plan;
      // A grouped input may be repeated first.
      expect(steps.flatMap((step) => (step.kernel === 'call' ? step.name : []))).toEqual([name]);
    }
  });

  it('ask PyTorch for ops that its script knows', () => {
    const script = source('bench/peers/pytorch_ops.py');
    const known = new Set([...script.matchAll(/^ {4}"(\w+)":/gm)].map(([, name]) => name));
    known.add('update').add('lstm');
    const asked = kernelCases.flatMap(({ peer }) => peer?.op ?? []);
    expect(asked.filter((op) => !known.has(op))).toEqual([]);
    expect(asked.length).toBeGreaterThan(0.9 * kernelCases.length);
  });

  it('have all layouts, rows and strides of products', () => {
    const names = chooseKernels(['matmul']).map(({ name }) => name);
    for (const rows of [1, 2, 3, 4, 8, 16, 17, 32, 128, 512]) {
      expect(names).toContain(`nt ${by(rows, 784, 512)}`);
      expect(names).toContain(`nn ${by(rows, 2048, 2048)}`);
    }
    for (const layout of ['nt', 'tn', 'tt']) expect(names).toContain(`${layout} ${by(17, 333, 777)}`);
    expect(names).toContain(`nn ${by(17, 777, 333)}`);
  });
});

describe('the operations and bytes of a case', () => {
  it('are those of a product', () => {
    const { flops, product } = kernelNamed(`matmul tn ${by(3, 784, 512)}`);
    expect(flops).toBe(2 * 3 * 784 * 512);
    expect(product).toEqual({ rows: 3, depth: 784, columns: 512, transposeA: true, transposeB: false });
    expect(kernelNamed(`batched-matmul nt 8 of ${by(512, 64, 512)}`).flops).toBe(2 * 8 * 512 * 64 * 512);
  });

  it.each([
    { images: 2, side: 7, channels: 4, out: 6, kernel: 3, padding: 1 },
    { images: 2, side: 7, channels: 4, out: 6, kernel: 3, padding: 1, stride: 2 },
    { images: 1, side: 8, channels: 4, out: 4, kernel: 3, padding: 2, dilation: 2, groups: 4 },
    { images: 1, side: 9, channels: 6, out: 4, kernel: 5, padding: 4, dilation: 3, groups: 2, stride: 3 },
    { images: 3, side: 5, channels: 2, out: 1, kernel: 1, stride: 2 },
    { images: 1, side: 4, channels: 1, out: 1, kernel: 4, padding: 3 },
  ])('are those that a convolution of $side by $kernel does by its definition', (spec) => {
    const { images, side, channels, out, kernel, padding = 0, stride = 1, dilation = 1, groups = 1 } = spec;
    const inside = (place: number, tap: number) => {
      const at = place * stride + tap * dilation - padding;
      return at >= 0 && at < side;
    };
    const [forward, inputGradient, weightGradient] = casesOf(spec);
    const [{ shape = [] } = {}] = compileCase(forward).outputs;
    const places = shape[1] as number;
    let products = 0;
    for (let y = 0; y < places; y++) {
      for (let x = 0; x < places; x++) {
        for (let row = 0; row < kernel; row++) {
          for (let column = 0; column < kernel; column++) {
            if (inside(y, row) && inside(x, column)) products += images * out * (channels / groups);
          }
        }
      }
    }
    expect(flopsOf(spec)).toBe(2 * products);
    const [x, w, y] = [
      images * side ** 2 * channels,
      kernel ** 2 * (channels / groups) * out,
      images * places ** 2 * out,
    ].map((elements) => 4 * elements) as [number, number, number];
    const flops = 2 * products;
    expect(workOf(forward)).toEqual({ flops, readBytes: x + w, writtenBytes: y });
    expect(workOf(inputGradient)).toEqual({ flops, readBytes: y + w, writtenBytes: x });
    expect(workOf(weightGradient)).toEqual({ flops, readBytes: y + x, writtenBytes: w });
  });

  it('are those of an update: parameters and moments are read and written, gradients read', () => {
    const bytes = 4 * 2 ** 14;
    const scalars = 8 * 3;
    const { readBytes, writtenBytes } = workOf(kernelNamed(`update adam, ${2 ** 14}`));
    expect([readBytes - scalars, writtenBytes]).toEqual([4 * bytes, 3 * bytes]);
  });

  it('are those of a loop over all of its steps', () => {
    const step = 2 * 16 * 4 * 256 * (64 + 256);
    expect(kernelNamed('loop LSTM 16x100x64 to 256').flops).toBe(100 * step);
    expect(kernelNamed('attention 16x4x64x32').flops).toBe(4 * 16 * 4 * 64 * 64 * 32);
    expect(floats(2, 3)).toEqual({ dtype: 'float32', shape: [2, 3] });
  });
});
