import { totalmem } from 'node:os';
import { join } from 'node:path';
import { type LimitReader, readText, smallestLimit } from './cgroups.js';

/** How many bytes this process may use, and what decides that. */
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
 * Finds how much memory this process may use: the machine's, or less when a cgroup on the way from its own up to the root
 * grants less.
 *
 * @param options.root folder that holds /proc and /sys, for tests
 * @param options.machine bytes of the machine; default: what the system says
 */
export function usableMemory({ root = '/', machine = totalmem() } = {}): UsableMemory {
  const granted = smallestLimit(root, limit);
  // Version 1 writes a number beyond all machines where there is no limit.
  if (granted && granted.value < machine) {
    return { bytes: granted.value, reason: `cgroup ${granted.path} grants that much` };
  }
  return { bytes: machine, reason: 'the machine has that much' };
}

/** The number in a file; undefined for "max" and whatever is no limit. */
function bytesIn(path: string): number | undefined {
  const bytes = Number(readText(path)?.trim() || Number.NaN);
  return Number.isFinite(bytes) && bytes > 0 ? bytes : undefined;
}
