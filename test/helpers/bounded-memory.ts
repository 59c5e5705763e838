import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A memory cgroup whose processes, with the pages of files that they read, get no more than a limit. */
export interface BoundedMemory {
  /** The file that a process writes 0 to, to join. */
  readonly join: string;
  remove(): void;
}

/** Makes a cgroup, v1 or v2; or says why it cannot. */
export function boundMemory(bytes: number): BoundedMemory | string {
  try {
    const v1 = '/sys/fs/cgroup/memory';
    if (existsSync(join(v1, 'memory.limit_in_bytes'))) return make(v1, 'memory.limit_in_bytes', bytes);
    const v2 = '/sys/fs/cgroup';
    const controllers = readFileSync(join(v2, 'cgroup.subtree_control'), 'utf8');
    if (!controllers.split(/\s/).includes('memory')) return 'the memory controller is not for subgroups';
    return make(v2, 'memory.max', bytes);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function make(parent: string, limit: string, bytes: number): BoundedMemory {
  const name = `chainrule-${process.pid}-${Date.now()}`;
  const folder = join(parent, name);
  mkdirSync(folder);
  try {
    writeFileSync(join(folder, limit), String(bytes));
    const swap = join(folder, 'memory.swap.max');
    if (existsSync(swap)) writeFileSync(swap, '0');
    return { join: join(folder, 'cgroup.procs'), remove: () => rmdirSync(folder) };
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
}
