import { totalmem } from 'node:os';
import { join } from 'node:path';
import { type LimitReader, readText, smallestLimit } from './cgroups.js';

/** The bytes that this process may use, and the reason for the limit. */
export interface UsableMemory {
  readonly bytes: number;
  readonly reason: string;
}

const limit: LimitReader = {
  controller: 'memory',
  version1: (folder) => bytesIn(join(folder, 'memory.limit_in_bytes')),
  version2: (folder) => bytesIn(join(folder, 'memory.max')),
};

/**
 * Finds how much memory this process may use: the machine's, or less if its own cgroup or one above grants less.
 *
 * @param options.root folder that holds /proc and /sys, for tests
 * @param options.machine memory of the machine in bytes; default: as reported by the system
 */
export function usableMemory({ root = '/', machine = totalmem() } = {}): UsableMemory {
  const granted = smallestLimit(root, limit);
  // Without a limit, version 1 reports a number beyond the memory of any machine.
  if (granted && granted.value < machine) {
    return { bytes: granted.value, reason: `cgroup ${granted.path} grants that much` };
  }
  return { bytes: machine, reason: 'the machine has that much' };
}

/** The number in a file; undefined for "max" and anything else that is not a limit. */
function bytesIn(path: string): number | undefined {
  const bytes = Number(readText(path)?.trim() || Number.NaN);
  return Number.isFinite(bytes) && bytes > 0 ? bytes : undefined;
}
