import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of limited size. */
export interface SmallDisk {
  readonly dir: string;
  /** Makes it read-only. */
  protect(): void;
  remove(): void;
}

/** Mounts a small file system in memory; gives the reason where that is impossible. */
export function smallDisk(bytes: number): SmallDisk | string {
  if (process.platform !== 'linux') return `no tmpfs on ${process.platform}`;
  const dir = mkdtempSync(join(tmpdir(), 'small-disk-'));
  const mount = (...args: string[]) => spawnSync('mount', args, { encoding: 'utf8' });
  const { status, stderr, error } = mount('-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir);
  if (status !== 0) {
    rmdirSync(dir);
    return `mounting a tmpfs is impossible here: ${error?.message ?? stderr.trim()}`;
  }
  return {
    dir,
    protect: () => void mount('-o', 'remount,ro', dir),
    remove() {
      spawnSync('umount', [dir]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
