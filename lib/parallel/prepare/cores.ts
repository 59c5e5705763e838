import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type LimitReader, readText, smallestLimit } from '../../runtime/cgroups.js';

/** Number of cores that this process may use, and the reason for it. */
export interface UsableCores {
  cores: number;
  reason: string;
}

/**
 * Counts the cores that this process may use: those it may be scheduled on (affinity), or fewer if its cgroup or an
 * ancestor grants less CPU time. A quota of 1.5 cores counts as 2.
 *
 * @param options.root folder that contains /proc and /sys, for tests
 * @param options.affinity number of cores by affinity; default: as reported by the system
 */
export function usableCores({ root = '/', affinity = availableParallelism() } = {}): UsableCores {
  const granted = smallestLimit(root, quota);
  if (granted && Math.ceil(granted.value) < affinity) {
    const cores = Math.max(1, Math.ceil(granted.value));
    return { cores, reason: `cgroup ${granted.path} grants the time of ${counted(granted.value)}` };
  }
  return { cores: Math.max(1, affinity), reason: `the process may run on ${counted(affinity)}` };
}

const quota: LimitReader = { controller: 'cpu', version1: readV1, version2: readV2 };

function readV2(folder: string): number | undefined {
  const [quota, period] = readText(join(folder, 'cpu.max'))?.trim().split(/\s+/) ?? [];
  return ratio(quota, period);
}

function readV1(folder: string): number | undefined {
  return ratio(readText(join(folder, 'cpu.cfs_quota_us')), readText(join(folder, 'cpu.cfs_period_us')));
}

/**
 * Cores granted by `quota` microseconds per `period`; undefined for "max", -1 and anything else that is not a limit.
 */
function ratio(quota: string | undefined, period: string | undefined): number | undefined {
  const cores = Number(quota?.trim()) / Number(period?.trim());
  return Number.isFinite(cores) && cores > 0 ? cores : undefined;
}

function counted(cores: number): string {
  return `${Math.round(cores * 100) / 100} core${cores === 1 ? '' : 's'}`;
}
