import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from '../../runtime/cgroups.js';

/** A level of the caches for data. */
export interface Cache {
  readonly level: number;
  readonly bytes: number;
  /** Number of the machine's cores that share one of them. */
  readonly sharedBy: number;
}

/** What stands for the caches of a machine that does not tell: those of a server core of the last decade. */
const USUAL: readonly Cache[] = [
  { level: 1, bytes: 32 * 1024, sharedBy: 1 },
  { level: 2, bytes: 1024 * 1024, sharedBy: 1 },
  { level: 3, bytes: 32 * 1024 * 1024, sharedBy: Number.POSITIVE_INFINITY },
];

const FOLDER = 'sys/devices/system/cpu/cpu0/cache';

/**
 * The caches for data of the first core, from the nearest on. They choose sizes to measure and name levels, and nothing
 * else depends on them.
 *
 * @param root folder that contains /sys, for tests
 */
export function dataCaches(root = '/'): readonly Cache[] {
  const found = folders(join(root, FOLDER)).flatMap((folder) => {
    const text = (name: string) => readText(join(folder, name))?.trim() ?? '';
    const [level, bytes] = [Number(text('level')), bytesOf(text('size'))];
    if (text('type') === 'Instruction' || !(level > 0) || !(bytes > 0)) return [];
    return { level, bytes, sharedBy: countCores(text('shared_cpu_list')) };
  });
  const byLevel = found.sort((a, b) => a.level - b.level);
  return byLevel.length > 0 ? byLevel : USUAL;
}

/** Bytes of all caches of a level together that some threads have, each on a core of its own. */
export function bytesOnAll({ bytes, sharedBy }: Cache, threads: number): number {
  return bytes * Math.max(1, Math.ceil(threads / sharedBy));
}

function folders(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith('index'))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Reads a size such as `32K`; NaN if it is none. */
function bytesOf(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([KMG]?)$/.exec(text) ?? [];
  return Number(digits) * 1024 ** ' KMG'.indexOf(unit || ' ');
}

/** Counts the cores of a list such as `0-3,8`; 1 if there is none. */
function countCores(list: string): number {
  const counts = list.split(',').map((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Number(last) - Number(first) + 1;
  });
  const cores = counts.reduce((total, count) => total + count, 0);
  return cores > 0 ? cores : 1;
}
