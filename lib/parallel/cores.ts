import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** How many cores this process may use, and what decides that. */
export interface UsableCores {
  cores: number;
  reason: string;
}

/**
 * Counts the cores that this process may use: those it may be scheduled on (affinity), or fewer when a cgroup
 * on the way from its own up to the root grants less CPU time. A quota of 1.5 cores counts as 2.
 *
 * @param options.root folder that holds /proc and /sys, for tests
 * @param options.affinity number of cores by affinity; default: what the system says
 */
export function usableCores({ root = '/', affinity = availableParallelism() } = {}): UsableCores {
  const quota = smallestQuota(root);
  if (quota && Math.ceil(quota.cores) < affinity) {
    const cores = Math.max(1, Math.ceil(quota.cores));
    return { cores, reason: `cgroup ${quota.path} grants the time of ${counted(quota.cores)}` };
  }
  return { cores: Math.max(1, affinity), reason: `the process may run on ${counted(affinity)}` };
}

interface Quota {
  cores: number;
  path: string;
}

function smallestQuota(root: string): Quota | undefined {
  let smallest: Quota | undefined;
  for (const { mount, path, read } of hierarchies(root)) {
    for (const level of levelsUp(path)) {
      const cores = read(join(root, mount, level));
      if (cores !== undefined && (!smallest || cores < smallest.cores)) smallest = { cores, path: level };
    }
  }
  return smallest;
}

interface Hierarchy {
  mount: string;
  path: string;
  read: (folder: string) => number | undefined;
}

/** The places where a limit of CPU time may stand, from /proc/self/cgroup: `id:controllers:path` per line. */
function hierarchies(root: string): Hierarchy[] {
  const found: Hierarchy[] = [];
  for (const line of (readText(join(root, 'proc/self/cgroup')) ?? '0::/').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers === '') {
      for (const mount of ['sys/fs/cgroup', 'sys/fs/cgroup/unified'])
        found.push({ mount, path, read: readV2 });
    } else if (controllers.split(',').includes('cpu')) {
      // The mount is named after its controllers, and some systems give only one of the two names.
      for (const name of new Set([controllers, 'cpu'])) {
        found.push({ mount: `sys/fs/cgroup/${name}`, path, read: readV1 });
      }
    }
  }
  return found;
}

/** `/a/b` gives `/a/b`, `/a`, `/`. A container may see a path of the host, of which only `/` exists here. */
function levelsUp(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.' && name !== '..');
  return Array.from(
    { length: names.length + 1 },
    (_, up) => `/${names.slice(0, names.length - up).join('/')}`,
  );
}

function readV2(folder: string): number | undefined {
  const [quota, period] = readText(join(folder, 'cpu.max'))?.trim().split(/\s+/) ?? [];
  return ratio(quota, period);
}

function readV1(folder: string): number | undefined {
  return ratio(readText(join(folder, 'cpu.cfs_quota_us')), readText(join(folder, 'cpu.cfs_period_us')));
}

/** Cores granted by `quota` microseconds per `period`; undefined for "max", -1 and whatever is no limit. */
function ratio(quota: string | undefined, period: string | undefined): number | undefined {
  const cores = Number(quota?.trim()) / Number(period?.trim());
  return Number.isFinite(cores) && cores > 0 ? cores : undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function counted(cores: number): string {
  return `${Math.round(cores * 100) / 100} core${cores === 1 ? '' : 's'}`;
}
