import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A cgroup that this process is in, its own or one above, in the hierarchy of one controller. */
export interface Cgroup {
  /** As /proc/self/cgroup names it. */
  readonly path: string;
  /** The folder of its files. */
  readonly folder: string;
  readonly version: 1 | 2;
}

/** Reads one kind of limit from the folder of a cgroup, for each version of the hierarchy. */
export interface LimitReader {
  /** The controller that sets the limit. */
  readonly controller: string;
  readonly version1: (folder: string) => number | undefined;
  readonly version2: (folder: string) => number | undefined;
}

/** A limit, and the cgroup that sets it. */
export interface CgroupLimit extends Cgroup {
  readonly value: number;
}

/**
 * The limits of one kind that the process's own cgroup and those above it set.
 *
 * @param root folder that holds /proc and /sys
 */
export function limitsOf(root: string, { controller, version1, version2 }: LimitReader): CgroupLimit[] {
  return cgroups(root, controller).flatMap((cgroup) => {
    const value = (cgroup.version === 1 ? version1 : version2)(cgroup.folder);
    return value === undefined ? [] : [{ ...cgroup, value }];
  });
}

/** The smallest of those limits; undefined if none is set. */
export function smallestLimit(root: string, reader: LimitReader): CgroupLimit | undefined {
  const [first, ...others] = limitsOf(root, reader);
  return first && others.reduce((smallest, one) => (one.value < smallest.value ? one : smallest), first);
}

/** The places where a limit may be set, from /proc/self/cgroup: `id:controllers:path` per line. */
function cgroups(root: string, controller: string): Cgroup[] {
  const found: Cgroup[] = [];
  const add = (mount: string, own: string, version: 1 | 2) => {
    for (const path of levelsUp(own)) found.push({ path, folder: join(root, mount, path), version });
  };
  for (const line of (readText(join(root, 'proc/self/cgroup')) ?? '0::/').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers === '') {
      for (const mount of ['sys/fs/cgroup', 'sys/fs/cgroup/unified']) add(mount, path, 2);
    } else if (controllers.split(',').includes(controller)) {
      // The mount is named after its controllers, and some systems give only one of their names.
      for (const name of new Set([controllers, controller])) add(`sys/fs/cgroup/${name}`, path, 1);
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
