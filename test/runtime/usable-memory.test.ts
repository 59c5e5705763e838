import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { requireMemory } from '#lib/runtime/executable.js';
import { resolveMemory } from '#lib/runtime/memory-size.js';
import { availableMemory, usableMemory } from '#lib/runtime/usable-memory.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'chainrule-memory-'));
});
afterEach(() => rm(root, { recursive: true }));

const OWN = 'proc/self/cgroup';
const STATUS = 'proc/self/status';
const V1 = 'sys/fs/cgroup/memory';
const V2 = 'sys/fs/cgroup';
const machine = 64e9;

/** Writes what the system would tell, file by file. */
async function tell(files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
}

function lines(numbers: Readonly<Record<string, number>>) {
  return Object.entries(numbers)
    .map(([name, number]) => `${name} ${number}\n`)
    .join('');
}

/** As a process of 107 MB with 30 MB of shared memory and 374 MB of a mapped file is told by version 1. */
const stat1 = {
  cache: 0,
  rss: 0,
  shmem: 0,
  mapped_file: 0,
  inactive_anon: 0,
  active_anon: 0,
  inactive_file: 0,
  active_file: 0,
  unevictable: 0,
  hierarchical_memory_limit: 512_000_000,
  total_cache: 403_886_080,
  total_rss: 107_081_728,
  total_shmem: 30_003_200,
  total_mapped_file: 403_886_080,
  total_swap: 0,
  total_inactive_anon: 137_019_392,
  total_active_anon: 4096,
  total_inactive_file: 373_878_784,
  total_active_file: 4096,
  total_unevictable: 0,
};
const used1 = 107_081_728 + 30_003_200;

/** The same by version 2, with the kernel's part; 5 MB of the file are locked. */
const stat2 = {
  anon: 107_081_728,
  file: 403_886_080,
  kernel: 9_000_000,
  kernel_stack: 500_000,
  pagetables: 1_500_000,
  sec_pagetables: 0,
  percpu: 100_000,
  sock: 300_000,
  shmem: 30_003_200,
  file_mapped: 403_886_080,
  inactive_anon: 137_019_392,
  active_anon: 4096,
  inactive_file: 368_878_784,
  active_file: 4096,
  unevictable: 5_000_000,
  slab_reclaimable: 4_000_000,
  slab_unreclaimable: 2_000_000,
};
const used2 = 107_081_728 + 30_003_200 + 5_000_000 + 5_000_000 + 300_000;

describe('what a process may use', () => {
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
      { [OWN]: '4:memory:/app\n3:cpu:/x\n', [`${V1}/app/memory.limit_in_bytes`]: '700000000\n' },
      7e8,
    ],
    [
      'version 1 with no limit',
      { [OWN]: '4:memory:/\n', [`${V1}/memory.limit_in_bytes`]: '9223372036854771712\n' },
      machine,
    ],
    [
      'version 1 in a container that sees the path of the host',
      { [OWN]: '4:memory:/docker/0a1b\n', [`${V1}/memory.limit_in_bytes`]: '700000000\n' },
      7e8,
    ],
    ['a file that makes no sense', { [OWN]: '0::/\n', [`${V2}/memory.max`]: 'lots\n' }, machine],
    [
      'the limit of the address space',
      {
        'proc/self/limits':
          'Max data size  unlimited  unlimited  bytes\nMax address space  4000000000  5000000000  bytes\n',
        [STATUS]: 'VmSize:\t 1000000 kB\n',
      },
      4e9,
    ],
  ])('knows %s', async (_, files, bytes) => {
    await tell(files);
    expect(usableMemory({ root, machine }).bytes).toBe(bytes);
  });
});

describe('what is left of it', () => {
  it.each<[string, Record<string, string>, number]>([
    [
      'leaves out pages of files in version 1',
      {
        [OWN]: '4:memory:/app\n',
        [`${V1}/app/memory.limit_in_bytes`]: '512000000\n',
        [`${V1}/app/memory.stat`]: lines(stat1),
      },
      512e6 - used1,
    ],
    [
      'leaves out pages of files in version 2, unless they are locked, and caches of the kernel',
      {
        [OWN]: '0::/app\n',
        [`${V2}/app/memory.max`]: '512000000\n',
        [`${V2}/app/memory.stat`]: lines(stat2),
      },
      512e6 - used2,
    ],
    [
      'adds up the parts of the kernel where it gives no sum',
      {
        [OWN]: '0::/\n',
        [`${V2}/memory.max`]: '512000000\n',
        [`${V2}/memory.stat`]: lines({ ...stat2, kernel: Number.NaN }).replace('kernel NaN\n', ''),
      },
      512e6 - used2 + 5_000_000 - 4_100_000,
    ],
    [
      'counts what others take of the limit of a parent',
      {
        [OWN]: '0::/pod/app\n',
        [`${V2}/pod/app/memory.max`]: '512000000\n',
        [`${V2}/pod/app/memory.stat`]: lines(stat2),
        [`${V2}/pod/memory.max`]: '600000000\n',
        [`${V2}/pod/memory.stat`]: lines({ ...stat2, anon: 500_000_000 }),
      },
      600e6 - (used2 - 107_081_728 + 500_000_000),
    ],
    [
      'counts what was swapped out where swap is limited too',
      {
        [OWN]: '4:memory:/app\n',
        [`${V1}/app/memory.limit_in_bytes`]: '512000000\n',
        [`${V1}/app/memory.memsw.limit_in_bytes`]: '520000000\n',
        [`${V1}/app/memory.stat`]: lines({ ...stat1, total_swap: 200_000_000 }),
      },
      520e6 - used1 - 200e6,
    ],
    [
      'takes the own share of memory where the cgroup tells none',
      {
        [OWN]: '0::/\n',
        [`${V2}/memory.max`]: '512000000\n',
        [STATUS]:
          'VmRSS:\t  900000 kB\nRssAnon:\t  100000 kB\nRssFile:\t  780000 kB\nRssShmem:\t   20000 kB\n',
      },
      512e6 - 120_000 * 1024,
    ],
    [
      'is never negative',
      {
        [OWN]: '0::/\n',
        [`${V2}/memory.max`]: '100000000\n',
        [`${V2}/memory.stat`]: lines(stat2),
      },
      0,
    ],
    [
      'is that of a busy machine, with the cache of files',
      { 'proc/meminfo': 'MemTotal: 62500000 kB\nMemFree: 1000 kB\nMemAvailable: 2000000 kB\n' },
      2_048_000_000,
    ],
    [
      'is that of the address space, if this is what is short',
      {
        'proc/self/limits': 'Max address space  4000000000  5000000000  bytes\n',
        'proc/meminfo': 'MemAvailable: 60000000 kB\n',
        [STATUS]: 'VmSize:\t 1000000 kB\n',
      },
      4e9 - 1_024_000_000,
    ],
  ])('%s', async (_, files, available) => {
    await tell(files);
    expect(availableMemory({ root, machine }).available).toBe(available);
  });

  it('is what the process has not taken where nothing is told', () => {
    const used = machine - availableMemory({ root, machine }).available;
    expect(Math.abs(used - process.memoryUsage.rss())).toBeLessThan(5e7);
  });

  it('is what the process has taken at most where /proc is missing', () => {
    const rss = vi.spyOn(process.memoryUsage, 'rss').mockImplementation(() => {
      throw new Error('ENOENT: no such file or directory, uv_resident_set_memory');
    });
    const used = machine - availableMemory({ root, machine }).available;
    rss.mockRestore();
    expect(used).toBe(1024 * process.resourceUsage().maxRSS);
  });

  it('is half for a budget of auto, which says of what', async () => {
    await tell({
      [OWN]: '0::/app\n',
      [`${V2}/app/memory.max`]: '512000000\n',
      [`${V2}/app/memory.stat`]: lines(stat2),
    });
    expect(resolveMemory('fit', 'auto', { root, machine })).toEqual({
      bytes: (512e6 - used2) / 2,
      reason: 'half of what is left of 512 MB: cgroup /app grants that much',
    });
    expect(resolveMemory('fit', '512MB', { root, machine })).toEqual({ bytes: 512e6 });
    expect(() => resolveMemory('fit', '2GB', { root, machine })).toThrow(
      'fit: memory must be at most 512000000 bytes (512 MB): cgroup /app grants that much, got 2000000000 bytes (2.00 GB)',
    );
  });

  it('is never more than half of this machine for a budget of auto', () => {
    expect(resolveMemory('fit', 'auto').bytes).toBeLessThanOrEqual(totalmem() / 2);
  });

  it('decides whether a plan may run, and the error says of what it is short', async () => {
    await tell({
      [OWN]: '4:memory:/app\n',
      [`${V1}/app/memory.limit_in_bytes`]: '512000000\n',
      [`${V1}/app/memory.stat`]: lines(stat1),
    });
    const memory = () => availableMemory({ root, machine });
    const left = 512e6 - used1;
    expect(() => requireMemory(left, memory)).not.toThrow();
    expect(() => requireMemory(left + 1, memory)).toThrow(
      `plan: not enough memory: the plan needs ${left + 1} bytes and ${left} are available of 512 MB (cgroup /app grants that much)`,
    );
  });

  it('is not looked up for plans that take next to nothing, of which each parameter has one', () => {
    const lookedUp = () => {
      throw new Error('looked up');
    };
    expect(() => requireMemory(2 ** 20 - 1, lookedUp)).not.toThrow();
    expect(() => requireMemory(2 ** 20, lookedUp)).toThrow('looked up');
  });
});
