import { checked } from '../graph/arguments/checked.js';
import { type Kind, kind, requireKind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { failed } from '../graph/errors.js';
import { availableMemory, type MemorySource, usableMemory } from './usable-memory.js';

/**
 * An amount of memory: bytes, or a string such as '512MB', '1.5 GB' or '64MiB'. kB, MB, GB and TB are powers of 1000;
 * KiB, MiB, GiB and TiB are powers of 1024. 'auto' is half of what the process may still use: see `resolveMemory`.
 */
export type MemorySize = number | string;

export const memorySize: Kind<MemorySize> = kind(
  "a positive number of bytes, a text such as '512MB', or 'auto'",
  (value) => value === 'auto' || bytesIn(value) >= 1,
);

/** A budget in bytes, and the reason for it. */
export interface MemoryBudget {
  readonly bytes: number;
  /** For 'auto', the memory that it is a share of. */
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
 * The share of the remaining memory that 'auto' takes. The other half is for what the budget does not count: data sets,
 * other memory of a service, uncollected garbage, and the pages of files.
 */
const AUTO_SHARE = 0.5;

/**
 * Resolves an amount of memory to bytes. 'auto' is half of the memory that the process may still take: what the limits of
 * its cgroup and those above, of the process and of the machine leave. Pages of files, which the system takes back when
 * memory is short, do not count as taken.
 *
 * @throws ChainruleError, in the name of `op`, if it is not a valid amount, or more than one of these limits
 */
export function resolveMemory(op: string, memory: MemorySize, source: MemorySource = {}): MemoryBudget {
  requireKind(op, 'memory', memorySize, memory);
  if (memory === 'auto') {
    const { available, bytes, reason } = availableMemory(source);
    return {
      bytes: Math.floor(AUTO_SHARE * available),
      reason: `half of what is left of ${formatBytes(bytes)}: ${reason}`,
    };
  }
  const bytes = sizeInBytes(memory);
  const usable = usableMemory(source);
  if (bytes > usable.bytes) {
    const most = `memory must be at most ${usable.bytes} bytes (${formatBytes(usable.bytes)}): ${usable.reason}`;
    const received = `${bytes} bytes (${formatBytes(bytes)})`;
    throw failed('ERR_CHAINRULE_BUDGET', op, most, { received });
  }
  return { bytes };
}

/** The bytes of an amount other than 'auto'. */
export function sizeInBytes(memory: MemorySize): number {
  return Math.floor(bytesIn(memory));
}

/** The bytes of an amount; NaN for what is none. */
function bytesIn(memory: unknown): number {
  const bytes = typeof memory === 'string' ? parse(memory) : memory;
  return kinds.finite.accepts(bytes) ? (bytes as number) : Number.NaN;
}

function parse(text: string): number {
  const [, number = '', unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  return Number(number || Number.NaN) * (units[unit.toLowerCase() || 'b'] ?? Number.NaN);
}

/** Formats bytes for people, with three digits: `1.23 GB`. */
export const formatBytes = checked('formatBytes', { bytes: kinds.number }, (bytes: number): string => {
  const names = ['B', 'kB', 'MB', 'GB', 'TB'];
  let power = 0;
  let value = bytes;
  // A value that rounds to 1000 is 1 of the next unit.
  while (power < names.length - 1 && Math.abs(value) >= (power === 0 ? 1000 : 999.5)) {
    value /= 1000;
    power++;
  }

  return `${power === 0 ? value : value.toPrecision(3)} ${names[power]}`;
});
