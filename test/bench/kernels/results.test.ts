import { add, matmul, type Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { KernelCase } from '#lib/bench/kernels/kernel-case.js';
import { type KernelResult, lostOf, resultOf, sortByLoss, workOf } from '#lib/bench/kernels/result.js';
import { runKernelBench } from '#lib/bench/kernels/run.js';
import { kernelCells, kernelTitles } from '#lib/bench/kernels/table.js';
import type { MachineLimits } from '#lib/bench/limits/machine-limits.js';

const limits: MachineLimits = {
  threads: 2,
  gflopsPerSecond: 100,
  bandwidths: [{ bytes: 1, read: 10, write: 10, copy: 10, add: 10 }],
};

const product: KernelCase = {
  family: 'matmul',
  name: 'nn 2x3x4',
  inputs: [
    { dtype: 'float32', shape: [2, 3] },
    { dtype: 'float32', shape: [3, 4] },
  ],
  graph: ([a, b]) => [matmul(a as Tensor, b as Tensor)],
  flops: 1e6,
  product: { rows: 2, columns: 4, depth: 3, transposeA: false, transposeB: false },
  peer: { op: 'matmul', inputs: [] },
};

describe('the result of a kernel', () => {
  it('has rates, and shares of the limit and of the best', () => {
    const result = resultOf(product, limits, { ours: 0.05, blas: 0.04, peer: 0.08 }, 'PyTorch 2');
    expect(result).toMatchObject({ family: 'matmul', kernel: 'nn 2x3x4', threads: 2, ms: 0.05 });
    expect(result.gflopsPerSecond).toBeCloseTo(2e6 / 0.05 / 1e6);
    expect(result.gigabytesPerSecond).toBeCloseTo((2 * 4 * (6 + 12 + 8)) / 0.05 / 1e6);
    expect(result.limitMs).toBeCloseTo(2e6 / 100 / 1e6);
    expect(result.ofLimit).toBeCloseTo(0.02 / 0.05);
    expect(result.ofBest).toBeCloseTo(0.04 / 0.05);
    expect(result.lostMs).toBeCloseTo(0.05 - 0.02);
    expect(kernelCells(result, 'PyTorch 2')).toHaveLength(kernelTitles('PyTorch 2').length);
  });

  it('has no share of others where there are none', () => {
    const result = resultOf(product, limits, { ours: 0.05 });
    expect(result).not.toHaveProperty('ofBest');
    expect(result).not.toHaveProperty('peer');
    expect(kernelCells(result, undefined)).toHaveLength(kernelTitles(undefined).length);
  });

  it('loses its time but for the share of the best', () => {
    expect(lostOf(10, [4, 5, 20])).toBe(6);
    // Quicker than the limit of the definition, as methods that save operations are.
    expect(lostOf(10, [12])).toBe(0);
  });

  it('comes before those that lose less', () => {
    const named = (kernel: string, lostMs: number) => ({ kernel, lostMs }) as KernelResult;
    const given = [named('a', 1), named('b', 3), named('c', 2)];
    expect(sortByLoss(given).map(({ kernel }) => kernel)).toEqual(['b', 'c', 'a']);
    expect(given.map(({ kernel }) => kernel)).toEqual(['a', 'b', 'c']);
  });

  it('counts the operands once, or what the case says', () => {
    expect(workOf(product)).toEqual({ flops: 1e6, readBytes: 4 * (6 + 12), writtenBytes: 4 * 8 });
    expect(workOf({ ...product, bytes: { read: 1, written: 2 } })).toMatchObject({
      readBytes: 1,
      writtenBytes: 2,
    });
    const twice: KernelCase = { ...product, graph: ([a]) => [add(a as Tensor, a as Tensor)] };
    expect(workOf(twice).writtenBytes).toBe(4 * 6);
  });
});

describe('bench kernels', () => {
  it('names the families that there are', async () => {
    const run = runKernelBench({ families: ['fft'], threads: [1] }, { remark: () => {}, limits: () => {} });
    await expect(run.next()).rejects.toThrow('bench kernels: unknown kernel fft; the kernels are matmul');
  });
});
