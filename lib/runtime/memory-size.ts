import { invalid } from '../graph/errors.js';
import { type UsableMemory, usableMemory } from './usable-memory.js';

/**
 * An amount of memory: bytes, or a text such as '512MB', '1.5 GB' or '64MiB'. kB, MB, GB and TB are powers of 1000; KiB, MiB,
 * GiB and TiB are powers of 1024. 'auto' is half of what the process may still use: see `resolveMemory`.
 */
export type MemorySize = number | string;

/** A budget in bytes, and where it comes from. */
export interface MemoryBudget {
  readonly bytes: number;
  /** Where 'auto' was asked for, what that is a share of. */
  readonly reason?: string;
}

const units: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/**
 * The share of the memory that is left which 'auto' takes. The other half is for what the budget does not count: data sets,
 * what a service holds besides, garbage until it is collected, and the pages of files.
 */
const AUTO_SHARE = 0.5;

/**
 * The bytes that an amount of memory stands for. 'auto' is half of what the process may use, less what it uses already: of
 * the smallest limit that a cgroup on the way up sets, or of the machine's memory.
 *
 * @throws ChainruleError, in the name of `op`, for what is no amount
 */
export function resolveMemory(
  op: string,
  memory: MemorySize,
  usable: () => UsableMemory = usableMemory,
): MemoryBudget {
  if (memory === 'auto') {
    const { bytes, reason } = usable();
    const left = Math.max(0, bytes - process.memoryUsage.rss());
    return {
      bytes: Math.floor(AUTO_SHARE * left),
      reason: `half of what is left of ${formatBytes(bytes)}: ${reason}`,
    };
  }
  const bytes = typeof memory === 'string' ? parse(memory) : memory;
  if (typeof bytes === 'number' && Number.isFinite(bytes) && bytes >= 1) return { bytes: Math.floor(bytes) };
  throw invalid(op, "memory must be a positive number of bytes, a text such as '512MB', or 'auto'", memory);
}

function parse(text: string): number {
  const [, number = '', unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  return Number(number || Number.NaN) * (units[unit.toLowerCase() || 'b'] ?? Number.NaN);
}

/** Bytes for people, with three digits: `1.23 GB`. */
export function formatBytes(bytes: number): string {
  const names = ['B', 'kB', 'MB', 'GB', 'TB'];
  let power = 0;
  let value = bytes;
  // What rounds to 1000 is one of the next unit.
  while (power < names.length - 1 && Math.abs(value) >= (power === 0 ? 1000 : 999.5)) {
    value /= 1000;
    power++;
  }

  return `${power === 0 ? value : value.toPrecision(3)} ${names[power]}`;
}
