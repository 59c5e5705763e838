import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesOnAll, dataCaches } from '#lib/bench/limits/caches.js';
import { type Bandwidth, bestRate, type MachineLimits } from '#lib/bench/limits/machine-limits.js';
import { ratesFrom, timeLimit } from '#lib/bench/limits/time-limit.js';

describe('the caches of a machine', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'chainrule-caches-'));
  });

  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  const describeCache = (index: number, facts: Readonly<Record<string, string>>) => {
    const folder = join(root, 'sys/devices/system/cpu/cpu0/cache', `index${index}`);
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(facts)) writeFileSync(join(folder, name), `${text}\n`);
  };

  it('are those for data, from the nearest on', () => {
    describeCache(3, { level: '3', type: 'Unified', size: '105M', shared_cpu_list: '0-3,8,10-11' });
    describeCache(0, { level: '1', type: 'Data', size: '48K', shared_cpu_list: '0,56' });
    describeCache(1, { level: '1', type: 'Instruction', size: '32K', shared_cpu_list: '0' });
    describeCache(2, { level: '2', type: 'Unified', size: '2048K', shared_cpu_list: '' });
    expect(dataCaches(root)).toEqual([
      { level: 1, bytes: 48 * 2 ** 10, sharedBy: 2 },
      { level: 2, bytes: 2 ** 21, sharedBy: 1 },
      { level: 3, bytes: 105 * 2 ** 20, sharedBy: 7 },
    ]);
  });

  it('are the usual ones where the machine does not tell', () => {
    describeCache(0, { level: '1', type: 'Data', size: 'unknown', shared_cpu_list: '0' });
    for (const place of [root, join(root, 'nowhere')]) {
      expect(dataCaches(place).map(({ level }) => level)).toEqual([1, 2, 3]);
      expect(dataCaches(place).every(({ bytes }) => bytes > 0)).toBe(true);
    }
  });

  it('count once for each group of cores that the threads fill', () => {
    const cache = { level: 3, bytes: 32, sharedBy: 8 };
    expect([1, 8, 9, 16, 17].map((threads) => bytesOnAll(cache, threads))).toEqual([32, 32, 64, 64, 96]);
    expect(bytesOnAll({ ...cache, sharedBy: Number.POSITIVE_INFINITY }, 64)).toBe(32);
  });
});

describe('a limit of time', () => {
  const bandwidth = (bytes: number, rate: number): Bandwidth => ({
    bytes,
    read: rate,
    write: rate / 2,
    copy: rate,
    add: rate,
  });
  const limits: MachineLimits = {
    threads: 2,
    gflopsPerSecond: 100,
    bandwidths: [bandwidth(1000, 80), bandwidth(2000, 40), bandwidth(4000, 50)],
  };

  it('is that of the operations or of the bytes, whichever is longer, for all threads', () => {
    const flops = { flops: 1e9, readBytes: 100, writtenBytes: 0 };
    expect(timeLimit(flops, limits)).toBeCloseTo((2 * 1e9) / 100 / 1e6);
    expect(timeLimit({ flops: 0, readBytes: 8e9, writtenBytes: 0 }, limits)).toBeCloseTo(
      (2 * 8e9) / 50 / 1e6,
    );
  });

  it('never counts a rate that a larger working set exceeds, nor that of the next smaller size', () => {
    expect(ratesFrom(500, limits.bandwidths).any).toBe(80);
    expect(ratesFrom(1999, limits.bandwidths).any).toBe(80);
    expect(ratesFrom(2000, limits.bandwidths).any).toBe(50);
    expect(ratesFrom(1e9, limits.bandwidths).any).toBe(50);
  });

  it('knows what a copy and a sum read and write', () => {
    const { read, write, any } = ratesFrom(1, [{ bytes: 1, read: 60, write: 10, copy: 30, add: 99 }]);
    expect([read, write, any]).toEqual([66, 33, 99]);
  });

  it('is measured until no round raises the rate any more', async () => {
    const rates = [10, 20, 20.1, 30, 29, 30.2, 28, 1000];
    let round = 0;
    expect(await bestRate(async () => rates[round++] as number)).toBe(30.2);
    expect(round).toBe(7);
    let rising = 0;
    expect(await bestRate(async () => 2 ** rising++)).toBe(2 ** 19);
  });
});
