import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A cgroup that limits the memory of the processes in it. */
export interface MemoryCgroup {
  readonly version: 1 | 2;
  /** The file to which a process writes its id to join. */
  readonly processes: string;
  /** The most bytes that it has held, with pages of files; undefined if the kernel does not tell. */
  readonly peakBytes: number | undefined;
  /** Removes it, once its processes have ended. */
  remove(): void;
}

interface Version {
  readonly version: 1 | 2;
  readonly folder: string;
  readonly limit: string;
  readonly swap: readonly [file: string, value: (bytes: number) => string];
  readonly peak: string;
}

const ROOT = '/sys/fs/cgroup';

const versions: readonly Version[] = [
  {
    version: 2,
    folder: ROOT,
    limit: 'memory.max',
    swap: ['memory.swap.max', () => '0'],
    peak: 'memory.peak',
  },
  {
    version: 1,
    folder: join(ROOT, 'memory'),
    limit: 'memory.limit_in_bytes',
    swap: ['memory.memsw.limit_in_bytes', String],
    peak: 'memory.max_usage_in_bytes',
  },
];

/** Makes a cgroup of this size without swap; undefined where the system does not let us. */
export function memoryCgroup(bytes: number): MemoryCgroup | undefined {
  for (const version of versions) {
    const folder = join(version.folder, `chainrule-soak-${process.pid}`);
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    const remove = () => rmdirSync(folder);
    if (!limited(folder, version, bytes)) {
      remove();
      continue;
    }
    return {
      version: version.version,
      processes: join(folder, 'cgroup.procs'),
      get peakBytes() {
        const peak = join(folder, version.peak);
        return existsSync(peak) ? Number(readFileSync(peak, 'utf8')) : undefined;
      },
      remove,
    };
  }
  return undefined;
}

function limited(folder: string, { limit, swap: [swap, value] }: Version, bytes: number): boolean {
  // Without it, the memory controller is not enabled here. A new file would not stay.
  if (!existsSync(join(folder, limit))) return false;
  try {
    writeFileSync(join(folder, limit), String(bytes));
  } catch {
    return false;
  }
  try {
    writeFileSync(join(folder, swap), value(bytes));
  } catch {
    // Without swap there is no such file.
  }
  return true;
}
