import { totalmem } from 'node:os';
import { join } from 'node:path';
import { type LimitReader, limitsOf, readText } from './cgroups.js';
import { numbersOf, ownBytes, sizesOf, unreclaimableBytes } from './used-memory.js';

/** A limit of the memory of this process, and the reason for it. */
export interface UsableMemory {
  readonly bytes: number;
  readonly reason: string;
}

/** A limit, and how much of it is left. */
export interface AvailableMemory extends UsableMemory {
  readonly available: number;
}

/** Where to look, for tests. */
export interface MemorySource {
  /** The folder that holds /proc and /sys. */
  readonly root?: string;
  /** Memory of the machine in bytes. Default: as reported by the system. */
  readonly machine?: number;
}

/** The least of the limits that hold for this process: of its cgroup and those above, of the process, of the machine. */
export function usableMemory(source: MemorySource = {}): UsableMemory {
  const { bytes, reason } = memoryLimits(source).reduce((least, one) =>
    one.bytes < least.bytes ? one : least,
  );
  return { bytes, reason };
}

/**
 * What this process may still take: the least that any of these limits leaves. What others take counts, as far as the
 * limit is theirs too. Pages of files do not count as used, since the system takes them back when memory is short.
 */
export function availableMemory(source: MemorySource = {}): AvailableMemory {
  return memoryLimits(source).reduce((least, one) => (one.available < least.available ? one : least));
}

function memoryLimits({ root = '/', machine = totalmem() }: MemorySource): AvailableMemory[] {
  // The machine comes first: without a limit, version 1 reports a number beyond the memory of any machine.
  return [ofMachine(root, machine), ...ofCgroups(root), ...ofProcess(root)];
}

function limit(bytes: number, used: number, reason: string): AvailableMemory {
  return { bytes, available: Math.max(0, bytes - used), reason };
}

function ofMachine(root: string, bytes: number): AvailableMemory {
  // Not MemFree, which leaves out the cache of files. A container may see the MemAvailable of a larger host.
  const available = sizesOf(readText(join(root, 'proc/meminfo'))).MemAvailable;
  const used = available === undefined ? ownBytes(root) : bytes - Math.min(bytes, available);
  return limit(bytes, used, 'the machine has that much');
}

function ofCgroups(root: string): AvailableMemory[] {
  return [memory, memoryAndSwap].flatMap((reader) =>
    limitsOf(root, reader).map(({ value, path, folder, version }) => {
      const used = unreclaimableBytes(join(folder, 'memory.stat'), version) ?? ownBytes(root);
      const swapped = reader === memoryAndSwap ? swappedBytes(folder) : 0;
      return limit(value, used + swapped, `cgroup ${path} grants that much`);
    }),
  );
}

const memory: LimitReader = {
  controller: 'memory',
  version1: (folder) => bytesIn(join(folder, 'memory.limit_in_bytes')),
  version2: (folder) => bytesIn(join(folder, 'memory.max')),
};

/** Version 1 can limit the sum of memory and swap; it exists only where swap is counted. */
const memoryAndSwap: LimitReader = {
  controller: 'memory',
  version1: (folder) => bytesIn(join(folder, 'memory.memsw.limit_in_bytes')),
  version2: () => undefined,
};

function swappedBytes(folder: string): number {
  const stat = numbersOf(readText(join(folder, 'memory.stat')));
  return stat.total_swap ?? stat.swap ?? 0;
}

/** The limits that `ulimit -v` and `ulimit -d` set. */
function ofProcess(root: string): AvailableMemory[] {
  const limits = readText(join(root, 'proc/self/limits')) ?? '';
  const sizes = sizesOf(readText(join(root, 'proc/self/status')));
  const kinds = [
    ['address space', 'VmSize', '-v'],
    ['data size', 'VmData', '-d'],
  ] as const;
  return kinds.flatMap(([name, size, flag]) => {
    const bytes = Number(new RegExp(`^Max ${name} +(\\d+)`, 'm').exec(limits)?.[1] ?? Number.NaN);
    const used = sizes[size];
    if (Number.isNaN(bytes) || used === undefined) return [];
    return [limit(bytes, used, `the limit of the ${name} (ulimit ${flag}) grants that much`)];
  });
}

/** The number in a file; undefined for "max" and anything else that is not a limit. */
function bytesIn(path: string): number | undefined {
  const bytes = Number(readText(path)?.trim() || Number.NaN);
  return Number.isFinite(bytes) && bytes > 0 ? bytes : undefined;
}
