import { join } from 'node:path';
import { readText } from './cgroups.js';

/**
 * The bytes of a cgroup, with those below it, that cannot be reclaimed: anonymous memory, shared memory, locked pages,
 * and what the kernel needs for it. Undefined if its memory.stat cannot be read.
 */
export function unreclaimableBytes(path: string, version: 1 | 2): number | undefined {
  const stat = numbersOf(readText(path));
  return version === 1 ? ofVersion1(stat) : ofVersion2(stat);
}

type Numbers = Readonly<Record<string, number>>;

/**
 * All pages but those that wait on the lists of reclaimable file pages. (`cache` includes shared memory; the list of
 * unevictable pages has anonymous ones as well, so that it must not be added.)
 */
function ofVersion1(stat: Numbers): number | undefined {
  // Old kernels count the cgroups below only if asked to, and then have no totals.
  const of = (name: string) => stat[`total_${name}`] ?? stat[name];
  const anonymous = of('rss');
  const cache = of('cache');
  if (anonymous === undefined || cache === undefined) return undefined;
  return anonymous + Math.max(0, cache - (of('active_file') ?? 0) - (of('inactive_file') ?? 0));
}

function ofVersion2(stat: Numbers): number | undefined {
  const { anon, file } = stat;
  if (anon === undefined || file === undefined) return undefined;
  const of = (name: string) => stat[name] ?? 0;
  const pages = anon + Math.max(0, file - of('active_file') - of('inactive_file'));
  return pages + kernelBytes(stat) + of('sock');
}

function kernelBytes(stat: Numbers): number {
  const of = (name: string) => stat[name] ?? 0;
  const { kernel } = stat;
  if (kernel !== undefined) return Math.max(0, kernel - of('slab_reclaimable'));
  // Kernels before 5.18 have only the parts.
  return of('kernel_stack') + of('pagetables') + of('percpu') + of('slab_unreclaimable');
}

/** The bytes of this process that cannot be reclaimed, or all resident ones if the system does not tell more. */
export function ownBytes(root: string): number {
  const { RssAnon, RssShmem } = sizesOf(readText(join(root, 'proc/self/status')));
  if (RssAnon !== undefined && RssShmem !== undefined) return RssAnon + RssShmem;
  return residentBytes();
}

/** The resident bytes of this process; the most that it had so far where /proc is missing. */
export function residentBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 1024 * process.resourceUsage().maxRSS;
  }
}

/** The lines `name number` of a text. */
export function numbersOf(text: string | undefined): Numbers {
  const lines = (text ?? '').matchAll(/^(\w+) (\d+)$/gm);
  return Object.fromEntries(Array.from(lines, ([, name, number]) => [name, Number(number)]));
}

/** The lines `name: number kB` of a text, in bytes. */
export function sizesOf(text: string | undefined): Numbers {
  const lines = (text ?? '').matchAll(/^(\w+):\s+(\d+) kB$/gm);
  return Object.fromEntries(Array.from(lines, ([, name, number]) => [name, 1024 * Number(number)]));
}
