import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Reads one kind of limit from the folder of a cgroup, for each version of the hierarchy. */
export interface LimitReader {
  /** The controller that sets the limit. */
  readonly controller: string;
  readonly version1: (folder: string) => number | undefined;
  readonly version2: (folder: string) => number | undefined;
}

/** A limit, and the cgroup that sets it. */
export interface CgroupLimit {
  readonly value: number;
  readonly path: string;
}

/**
 * The smallest limit of one kind among the process's own cgroup and those above it; undefined if none sets one.
 *
 * @param root folder that holds /proc and /sys
 */
export function smallestLimit(root: string, reader: LimitReader): CgroupLimit | undefined {
  let smallest: CgroupLimit | undefined;
  for (const { mount, path, read } of hierarchies(root, reader)) {
    for (const level of levelsUp(path)) {
      const value = read(join(root, mount, level));
      if (value !== undefined && (!smallest || value < smallest.value)) smallest = { value, path: level };
    }
  }
  return smallest;
}

interface Hierarchy {
  readonly mount: string;
  readonly path: string;
  readonly read: (folder: string) => number | undefined;
}

/** The places where a limit may be set, from /proc/self/cgroup: `id:controllers:path` per line. */
function hierarchies(root: string, { controller, version1, version2 }: LimitReader): Hierarchy[] {
  const found: Hierarchy[] = [];
  for (const line of (readText(join(root, 'proc/self/cgroup')) ?? '0::/').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers === '') {
      for (const mount of ['sys/fs/cgroup', 'sys/fs/cgroup/unified'])
        found.push({ mount, path, read: version2 });
    } else if (controllers.split(',').includes(controller)) {
      // The mount is named after its controllers, and some systems give only one of their names.
      for (const name of new Set([controllers, controller])) {
        found.push({ mount: `sys/fs/cgroup/${name}`, path, read: version1 });
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

/** The text of a file; undefined if it cannot be read. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
