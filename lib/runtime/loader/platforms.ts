/** A kind of system that has a package with the native addon: the fields by which package managers choose it. */
export interface Platform {
  readonly os: string;
  readonly cpu: string;
  /** The C library, on Linux. */
  readonly libc?: 'glibc' | 'musl';
}

/** The systems that a release has an addon for; the package of each is `@chainrule/<name>`. */
export const platforms: Readonly<Record<string, Platform>> = {
  'linux-x64-gnu': { os: 'linux', cpu: 'x64', libc: 'glibc' },
  'linux-x64-musl': { os: 'linux', cpu: 'x64', libc: 'musl' },
  'linux-arm64-gnu': { os: 'linux', cpu: 'arm64', libc: 'glibc' },
  'linux-arm64-musl': { os: 'linux', cpu: 'arm64', libc: 'musl' },
  'darwin-arm64': { os: 'darwin', cpu: 'arm64' },
  'darwin-x64': { os: 'darwin', cpu: 'x64' },
  'win32-x64': { os: 'win32', cpu: 'x64' },
};

/** The names that this system may have in `platforms`: on Linux one for each C library. */
export function possiblePlatforms(): readonly string[] {
  const { platform, arch } = process;
  return (platform === 'linux' ? ['-gnu', '-musl'] : ['']).map((libc) => `${platform}-${arch}${libc}`);
}

/**
 * The name of this system in `platforms`, which may lack it. It asks all threads of the process for a report, and so waits for
 * those that are busy.
 */
export function thisPlatform(): string {
  const { platform, arch } = process;
  if (platform !== 'linux') return `${platform}-${arch}`;
  return `${platform}-${arch}-${glibcVersion() === undefined ? 'musl' : 'gnu'}`;
}

/** The version of the GNU C library that this process runs on; undefined with another one, as musl. */
export function glibcVersion(): string | undefined {
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  // Looking up the names of the network's interfaces could take seconds.
  const { excludeNetwork = false } = report;
  report.excludeNetwork = true;
  try {
    const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
    return header.glibcVersionRuntime;
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}
