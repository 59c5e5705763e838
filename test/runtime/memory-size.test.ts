import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { compile, formatBytes, nn, optim, type Tensor, Trainer } from 'chainrule';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveMemory } from '#lib/runtime/memory-size.js';
import { usableMemory } from '#lib/runtime/usable-memory.js';

describe('an amount of memory', () => {
  it.each<[number | string, number]>([
    [1, 1],
    [1e9, 1e9],
    [1000.7, 1000],
    ['512MB', 512e6],
    ['1.5GB', 1.5e9],
    ['1.5 gb', 1.5e9],
    ['64MiB', 64 * 2 ** 20],
    ['2GiB', 2 ** 31],
    ['0.5TiB', 2 ** 39],
    ['100kB', 1e5],
    ['100KiB', 102_400],
    ['12345', 12_345],
    [' 12345 B ', 12_345],
  ])('%s is read', (memory, bytes) => {
    expect(resolveMemory('Trainer', memory)).toEqual({ bytes });
  });

  it.each<[unknown]>([
    [0],
    [-5],
    [0.5],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [''],
    ['MB'],
    ['5 apples'],
    ['-5MB'],
    ['1e3MB'],
    ['1,5GB'],
    ['0MB'],
    ['Auto'],
    [{}],
    [null],
    [true],
    [10n],
  ])('%s is none', (memory) => {
    const message = "Trainer: memory must be a positive number of bytes, a text such as '512MB', or 'auto'";
    expect(() => Reflect.apply(resolveMemory, undefined, ['Trainer', memory])).toThrow(message);
  });

  it('is checked where it is given', () => {
    const message =
      "memory must be a positive number of bytes, a text such as '512MB', or 'auto', got 5 apples";
    const options = { loss: nn.mseLoss, optimizer: optim.sgd({ lr: 1 }), memory: '5 apples' };
    expect(() => new Trainer(new nn.Linear(1, 1), options)).toThrow(`Trainer: ${message}`);
    expect(() => compile((x: Tensor) => x, { memory: '5 apples' })).toThrow(`compile: ${message}`);
  });

  it.each<[number, string]>([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [512e6, '512 MB'],
    [1.2345e9, '1.23 GB'],
    [4e15, '4.00e+3 TB'],
  ])('of %i bytes is written as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe("'auto'", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'chainrule-memory-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  const OWN = 'proc/self/cgroup';
  const V2 = 'sys/fs/cgroup';
  const machine = 64e9;
  const write = async (files: Record<string, string>) => {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), text);
    }
  };

  it.each<[string, Record<string, string>, number]>([
    ['nothing at all', {}, machine],
    ['no limit', { [OWN]: '0::/\n', [`${V2}/memory.max`]: 'max\n' }, machine],
    ['a limit', { [OWN]: '0::/app\n', [`${V2}/app/memory.max`]: '512000000\n' }, 512e6],
    ['a limit beyond the machine', { [OWN]: '0::/\n', [`${V2}/memory.max`]: '90000000000\n' }, machine],
    [
      'the limit of a parent that is tighter',
      {
        [OWN]: '0::/app/web\n',
        [`${V2}/app/web/memory.max`]: '3000000000\n',
        [`${V2}/app/memory.max`]: '2000000000\n',
        [`${V2}/memory.max`]: 'max\n',
      },
      2e9,
    ],
    [
      'version 1',
      { [OWN]: '4:memory:/app\n3:cpu:/x\n', [`${V2}/memory/app/memory.limit_in_bytes`]: '700000000\n' },
      7e8,
    ],
    [
      'version 1 with no limit',
      { [OWN]: '4:memory:/\n', [`${V2}/memory/memory.limit_in_bytes`]: '9223372036854771712\n' },
      machine,
    ],
    ['a file that makes no sense', { [OWN]: '0::/\n', [`${V2}/memory.max`]: 'lots\n' }, machine],
  ])('knows %s', async (_, files, bytes) => {
    await write(files);
    expect(usableMemory({ root, machine }).bytes).toBe(bytes);
  });

  it('is half of what the process may still use, and says of what', async () => {
    await write({ [OWN]: '0::/app\n', [`${V2}/app/memory.max`]: '8000000000\n' });
    const { bytes, reason } = resolveMemory('fit', 'auto', () => usableMemory({ root, machine }));
    const used = process.memoryUsage.rss();
    expect(Math.abs(bytes - (8e9 - used) / 2)).toBeLessThan(5e7);
    expect(reason).toBe('half of what is left of 8.00 GB: cgroup /app grants that much');
  });

  it('is never more than half of this machine', () => {
    expect(resolveMemory('fit', 'auto').bytes).toBeLessThanOrEqual(totalmem() / 2);
  });
});
