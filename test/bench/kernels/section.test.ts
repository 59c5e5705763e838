import { describe, expect, it } from 'vitest';
import type { KernelResult } from '#lib/bench/kernels/result.js';
import { kernelSection, readReport, titleOf, withSection } from '#lib/bench/kernels/section.js';

const result = (kernel: string, given: Partial<KernelResult>): KernelResult => ({
  ...{ family: 'matmul', kernel, threads: 1, ms: 1, gflopsPerSecond: 10, gigabytesPerSecond: 1 },
  ...{ limitMs: 0.5, ofLimit: 0.5, lostMs: 0.5 },
  ...given,
});

const limits = {
  threads: 2,
  gflopsPerSecond: 100,
  bandwidths: [{ bytes: 2 ** 15, read: 9, write: 9, copy: 8, add: 9 }],
};

const lines = (machine: string) =>
  [
    'a remark',
    ...[
      { limits },
      result('slow', { lostMs: 0.9, ofBest: 0.25, peer: 'PyTorch 2', peerMs: 0.25 }),
      result('quick', { lostMs: 0.1, ofBest: 4, peer: 'PyTorch 2', peerMs: 4, ofLimit: 0.125 }),
      result('alone', { family: 'pool', lostMs: 2 }),
    ].map((line) => JSON.stringify({ ...line, machine })),
  ].join('\n');

describe('the section of docs/speed.md on kernels', () => {
  const report = readReport(lines('CPU 9, 2 threads, Linux, avx2 kernels, OpenBLAS'));

  it('names the machine, and has limits, families, losses and holes', () => {
    expect(titleOf(report)).toBe('CPU 9, 2 cores, avx2 kernels');
    const section = kernelSection(report);
    expect(section).toContain('CPU 9, 2 threads, Linux, avx2 kernels, OpenBLAS, beside PyTorch 2.');
    expect(section).toContain(
      'Limits of 2 threads: 100 GFLOP/s; GB/s of reads/copies by size: 32 KB 9.00/8.00',
    );
    expect(section).toContain('| matmul | 1 | 2 | 25.0 % | 1.00 | 0.25: slow |');
    expect(section).toContain('| pool | 1 | 1 | 50.0 % | - | - |');
    expect(section).toContain('More than 10 % behind the better of BLAS and PyTorch: 1; most of all');
    const lost = section.slice(section.indexOf('What is lost'), section.indexOf('More than'));
    expect(['alone', 'slow', 'quick'].map((name) => lost.indexOf(`| ${name} |`))).toEqual(
      ['alone', 'slow', 'quick'].map((name) => lost.indexOf(`| ${name} |`)).sort((a, b) => a - b),
    );
    const widths = section.split('\n').filter((line) => line.startsWith('| family | kernel'));
    expect(new Set(widths.map((line) => line.split('|').length)).size).toBe(1);
  });

  it('replaces that of the same processor and instruction set, and keeps the others', () => {
    const other = readReport(lines('CPU 9, 2 threads, Linux, avx512 kernels, OpenBLAS'));
    const both = withSection(withSection('', report), other);
    expect([...both.matchAll(/^### .*/gm)].map(([heading]) => heading)).toEqual([
      '### CPU 9, 2 cores, avx2 kernels',
      '### CPU 9, 2 cores, avx512 kernels',
    ]);
    const again = withSection(both, report);
    expect([...again.matchAll(/^### .*/gm)].map(([heading]) => heading)).toEqual([
      '### CPU 9, 2 cores, avx512 kernels',
      '### CPU 9, 2 cores, avx2 kernels',
    ]);
  });

  it('needs results', () => {
    expect(() => readReport('nothing\n')).toThrow('there are no results');
  });
});
